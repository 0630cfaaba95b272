//! What pipelines have alike: setters of their options, pointers to engines, how they are put to work, and batches that
//! fail together.

use crate::{control::RunControl, error::Error};

/// Most inputs in one run where the options do not say.
pub(crate) const DEFAULT_MAX_BATCH: usize = 32;

/// The most inputs in one run that options ask for, at least one.
pub(crate) fn max_batch(asked: Option<usize>) -> usize {
    asked.unwrap_or(DEFAULT_MAX_BATCH).max(1)
}

/// Answers the inputs of several callers together, and where that fails one by one: an input that cannot be answered
/// should not spoil the others.
pub(crate) fn each<T, R>(
    inputs: &[T],
    control: &RunControl,
    run: impl Fn(&[T]) -> Result<Vec<R>, Error>,
) -> Vec<Result<R, Error>> {
    let first = |results: Vec<R>| {
        results.into_iter().next().ok_or_else(|| Error::Input {
            name: "inputs".into(),
            expected: "a result for each".into(),
            got: "none".into(),
        })
    };
    match run(inputs) {
        Ok(results) => results.into_iter().map(Ok).collect(),
        Err(_) if inputs.len() > 1 && control.check().is_ok() => {
            inputs.iter().map(|input| run(std::slice::from_ref(input)).and_then(first)).collect()
        }
        Err(error) => vec![Err(error)],
    }
}

/// Setters for the fields that the options of several pipelines have: `setters!(Options: session, graph)`.
macro_rules! setters {
    (@ session) => {
        /// Sets where and how the model runs.
        #[must_use]
        pub fn with_session(mut self, session: $crate::SessionOptions) -> Self {
            self.session = session;
            self
        }
    };
    (@ graph) => {
        /// Sets which graph of the folder is loaded.
        #[must_use]
        pub fn with_graph(mut self, graph: $crate::GraphChoice) -> Self {
            self.graph = graph;
            self
        }
    };
    (@ max_tokens) => {
        /// Sets the most tokens of a text.
        #[must_use]
        pub fn with_max_tokens(mut self, max_tokens: usize) -> Self {
            self.max_tokens = Some(max_tokens);
            self
        }
    };
    (@ max_batch) => {
        /// Sets the most inputs in one run.
        #[must_use]
        pub fn with_max_batch(mut self, max_batch: usize) -> Self {
            self.max_batch = Some(max_batch);
            self
        }
    };
    ($options:ty: $($field:ident),+) => {
        impl $options {
            $($crate::pipeline::setters!(@ $field);)+
        }
    };
}
pub(crate) use setters;

/// Pointers to what implements a trait of one method do so too: `forward!(Trait.method(Inputs) -> Answers)`.
macro_rules! forward {
    ($trait:ident.$method:ident($inputs:ty) -> $answers:ty) => {
        $crate::pipeline::forward!(@ $trait.$method($inputs) -> $answers; &E, Box<E>, std::sync::Arc<E>);
    };
    (@ $trait:ident.$method:ident($inputs:ty) -> $answers:ty; $($pointer:ty),+) => {$(
        #[async_trait]
        impl<E: $trait + ?Sized> $trait for $pointer {
            async fn $method(&self, inputs: $inputs) -> Result<$answers, Error> {
                (**self).$method(inputs).await
            }
        }
    )+};
}
pub(crate) use forward;

/// Puts a pipeline to work behind its trait: on a `Worker` the inputs of a caller are a request, on a `BatchWorker` each
/// input is one. `serve!(Pipeline.run as Trait.method(Input) -> Answer, cost: function)`.
macro_rules! serve {
    (
        $pipeline:ident. $run:ident as
        $trait:ident. $method:ident($input:ty) -> $answer:ty, cost: $cost:path
    ) => {
        /// All inputs of a caller a request.
        impl $crate::Task for $pipeline {
            type Request = Vec<$input>;
            type Answer = Vec<$answer>;

            fn run(
                &mut self,
                inputs: Vec<$input>,
                control: &RunControl,
            ) -> Result<Vec<$answer>, Error> {
                self.$run(&inputs, control)
            }
        }

        /// One input a request; inputs of several callers share a run.
        impl $crate::BatchTask for $pipeline {
            type Request = $input;
            type Answer = $answer;

            fn cost(input: &$input) -> usize {
                $cost(input)
            }

            fn run(
                &mut self,
                inputs: Vec<$input>,
                control: &RunControl,
            ) -> Vec<Result<$answer, Error>> {
                $crate::pipeline::each(&inputs, control, |inputs| self.$run(inputs, control))
            }
        }

        #[async_trait]
        impl $trait for Worker<$pipeline> {
            async fn $method(&self, inputs: Vec<$input>) -> Result<Vec<$answer>, Error> {
                self.call(inputs).await
            }
        }

        #[async_trait]
        impl $trait for BatchWorker<$pipeline> {
            async fn $method(&self, inputs: Vec<$input>) -> Result<Vec<$answer>, Error> {
                self.call_all(inputs).await
            }
        }
    };
}
pub(crate) use serve;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_together_is_answered_one_by_one() {
        let halves = |inputs: &[u32]| -> Result<Vec<u32>, Error> {
            inputs
                .iter()
                .map(|input| (input % 2 == 0).then_some(input / 2).ok_or(Error::Stopped))
                .collect()
        };
        let control = RunControl::default();
        let answers = each(&[2, 3, 8], &control, halves);
        assert!(matches!(answers[..], [Ok(1), Err(Error::Stopped), Ok(4)]), "{answers:?}");
        assert!(matches!(each(&[3], &control, halves)[..], [Err(Error::Stopped)]));
        assert!(each(&[], &control, halves).is_empty());
        // Nobody waits for the others any more.
        control.cancel.cancel();
        assert!(matches!(each(&[2, 3], &control, halves)[..], [Err(Error::Stopped)]));
    }
}
