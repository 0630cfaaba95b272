//! The trait that the rest of a program sees: tensors in, tensors out, synchronous.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    control::RunControl,
    device::Placement,
    error::Error,
    session::{self, Session},
    spec::TensorSpec,
    tensor::Tensors,
};

/// Runs a model. Blocking on purpose: the caller picks a thread, a [`Worker`](crate::Worker), or a batcher.
#[diagnostic::on_unimplemented(
    note = "implement `inputs`, `outputs` and `infer_with`, or wrap a session in `SessionModel`"
)]
pub trait Model: Send + Sync {
    /// Inputs in order.
    fn inputs(&self) -> &[TensorSpec];

    /// Outputs in order.
    fn outputs(&self) -> &[TensorSpec];

    /// Runs the model once; `control` can stop it.
    ///
    /// # Errors
    /// [`Error::Input`] when the inputs are not those of [`inputs`](Self::inputs); whatever the runtime reports.
    fn infer_with(&self, inputs: Tensors, control: &RunControl) -> Result<Tensors, Error>;

    /// Runs the model once.
    ///
    /// # Errors
    /// As [`infer_with`](Self::infer_with).
    fn infer(&self, inputs: Tensors) -> Result<Tensors, Error> {
        self.infer_with(inputs, &RunControl::default())
    }

    /// Where the model runs, if it runs in this process.
    fn placement(&self) -> Option<&Placement> {
        None
    }
}

macro_rules! forward {
    ($($pointer:ty),+) => {$(
        impl<M: Model + ?Sized> Model for $pointer {
            fn inputs(&self) -> &[TensorSpec] {
                (**self).inputs()
            }
            fn outputs(&self) -> &[TensorSpec] {
                (**self).outputs()
            }
            fn infer_with(&self, inputs: Tensors, control: &RunControl) -> Result<Tensors, Error> {
                (**self).infer_with(inputs, control)
            }
            fn placement(&self) -> Option<&Placement> {
                (**self).placement()
            }
        }
    )+};
}
forward!(&M, Box<M>, Arc<M>);

/// A session as a model. Callers take turns: a session serves one at a time.
pub struct SessionModel {
    inputs: Vec<TensorSpec>,
    outputs: Vec<TensorSpec>,
    placement: Placement,
    session: Mutex<Box<dyn Session>>,
}

impl SessionModel {
    /// Wraps a loaded session.
    pub fn new(session: Box<dyn Session>) -> Self {
        Self {
            inputs: session.inputs().to_vec(),
            outputs: session.outputs().to_vec(),
            placement: session.placement().clone(),
            session: Mutex::new(session),
        }
    }

    /// The session back.
    pub fn into_session(self) -> Box<dyn Session> {
        self.session.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Model for SessionModel {
    fn inputs(&self) -> &[TensorSpec] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorSpec] {
        &self.outputs
    }

    fn infer_with(&self, inputs: Tensors, control: &RunControl) -> Result<Tensors, Error> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        session::run_all(&mut **session, &inputs, control)
    }

    fn placement(&self) -> Option<&Placement> {
        Some(&self.placement)
    }
}

impl fmt::Debug for SessionModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionModel")
            .field("placement", &self.placement)
            .field("inputs", &self.inputs)
            .field("outputs", &self.outputs)
            .finish_non_exhaustive()
    }
}

const _: () = {
    fn _object_safe(_: &dyn Model) {}
};
