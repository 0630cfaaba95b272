//! The guard before a stranger's model: what it is made of, held against limits before any runtime sees it.

use std::collections::BTreeSet;

use crate::{
    error::Error,
    source::{LoadedSource, ModelSource, too_much},
};

/// What a model from a stranger may be. Sizes are checked before the files are read.
///
/// The limits bound what a model *is*, not what it computes: a small graph may still ask for much memory or time when it
/// is run. Run strangers' models in a process of their own with limits by the system.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Intake {
    /// Largest graph file, in bytes.
    pub max_graph_bytes: u64,
    /// Most external data over all files, in bytes; 0 for none.
    pub max_external_bytes: u64,
    /// Most files of external data.
    pub max_external_files: usize,
    /// Most nodes, those of subgraphs and functions included.
    pub max_nodes: usize,
    /// Most constant tensors.
    pub max_tensors: usize,
    /// Most elements over all constant tensors.
    pub max_elements: u64,
    /// Most inputs and outputs together.
    pub max_ports: usize,
    /// Largest fixed size that an input declares for one dimension.
    pub max_dimension: usize,
    /// Domains whose operators are known; the empty one is ONNX itself.
    pub domains: BTreeSet<String>,
    /// Operators that are refused, by name in any domain.
    pub refused_operators: BTreeSet<String>,
}

impl Default for Intake {
    /// 256 MiB of graph, 4 GiB of external data, 100,000 nodes; the operators of ONNX and those that ONNX Runtime adds.
    /// `Loop` and `Scan` are refused, since how long they run is up to the model.
    fn default() -> Self {
        let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        Self {
            max_graph_bytes: 256 << 20,
            max_external_bytes: 4 << 30,
            max_external_files: 64,
            max_nodes: 100_000,
            max_tensors: 100_000,
            max_elements: 1 << 32,
            max_ports: 1_024,
            max_dimension: 1 << 20,
            domains: texts(&["", "ai.onnx", "ai.onnx.ml", "com.microsoft"]),
            refused_operators: texts(&["Loop", "Scan"]),
        }
    }
}

impl Intake {
    /// Reads a model that keeps the limits; load it with [`Engine::load_read`](crate::Engine::load_read).
    ///
    /// # Errors
    /// [`Error::Refused`] with the limit that is not kept, and what [`ModelSource::read`] reports.
    pub fn admit(&self, source: &ModelSource) -> Result<LoadedSource, Error> {
        let loaded = source.read_within(
            self.max_graph_bytes,
            self.max_external_bytes,
            self.max_external_files,
        )?;
        let outline = &loaded.outline;
        let refuse = |reason: String| Error::Refused { model: loaded.name.clone(), reason };
        let nodes =
            outline.operators.values().fold(0_usize, |sum, count| sum.saturating_add(*count));
        let ports = outline.inputs.len().saturating_add(outline.outputs.len());
        let limits = [
            ("nodes", nodes as u64, self.max_nodes as u64),
            ("constant tensors", outline.tensors as u64, self.max_tensors as u64),
            ("elements of constant tensors", outline.elements, self.max_elements),
            ("inputs and outputs", ports as u64, self.max_ports as u64),
        ];
        for (what, found, limit) in limits {
            if found > limit {
                return Err(refuse(too_much(what, found, limit)));
            }
        }
        for (domain, operator) in outline.operators.keys() {
            if !self.domains.contains(domain) {
                return Err(refuse(format!(
                    "operator {operator} of the unknown domain `{domain}`"
                )));
            }
            if self.refused_operators.contains(operator) {
                return Err(refuse(format!("operator {operator}")));
            }
        }
        for spec in &outline.inputs {
            let rank = spec.rank().unwrap_or(0);
            let largest = (0..rank).filter_map(|axis| spec.fixed(axis)).max().unwrap_or(0);
            if largest > self.max_dimension {
                let limit = self.max_dimension;
                return Err(refuse(format!(
                    "input `{}` has a dimension of {largest}, where at most {limit} is taken",
                    spec.name
                )));
            }
        }
        Ok(loaded)
    }

    /// Lets an operator pass, `Loop` for instance.
    #[must_use]
    pub fn allowing(mut self, operator: &str) -> Self {
        self.refused_operators.remove(operator);
        self
    }

    /// Sets the largest graph file and the most external data, in bytes.
    #[must_use]
    pub fn with_max_bytes(mut self, graph: u64, external: u64) -> Self {
        self.max_graph_bytes = graph;
        self.max_external_bytes = external;
        self
    }

    /// Sets the most nodes.
    #[must_use]
    pub fn with_max_nodes(mut self, max_nodes: usize) -> Self {
        self.max_nodes = max_nodes;
        self
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn source(name: &str) -> ModelSource {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/ml/graphs");
        ModelSource::file(Path::new(folder).join(format!("{name}.onnx")))
    }

    fn refusal(intake: &Intake, name: &str) -> String {
        match intake.admit(&source(name)) {
            Err(Error::Refused { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_keeps_the_limits_is_let_in() {
        for name in ["dtypes", "external", "halves", "old", "state"] {
            Intake::default().admit(&source(name)).unwrap();
        }
        Intake::default().allowing("Loop").admit(&source("endless")).unwrap();
        // Sizes are inclusive.
        let graph = std::fs::metadata(Path::new(source("external").name())).unwrap().len();
        Intake::default().with_max_bytes(graph, 256).admit(&source("external")).unwrap();
    }

    #[test]
    fn every_limit_refuses_with_its_name() {
        let intake = Intake::default;
        assert_eq!(refusal(&intake(), "endless"), "operator Loop");
        assert!(refusal(&intake().with_max_nodes(4), "dtypes").contains("5 nodes"));
        assert!(refusal(&intake().with_max_bytes(100, 1 << 20), "dtypes").contains("bytes"));
        assert!(
            refusal(&intake().with_max_bytes(1 << 20, 255), "external").contains("external data")
        );
        let mut narrow = intake();
        narrow.max_external_files = 0;
        assert!(refusal(&narrow, "external").contains("files"));
        let mut narrow = intake();
        narrow.max_elements = 63;
        assert!(refusal(&narrow, "external").contains("64 elements"));
        let mut narrow = intake();
        narrow.max_tensors = 1;
        assert!(refusal(&narrow, "dtypes").contains("constant tensors"));
        let mut narrow = intake();
        narrow.max_ports = 3;
        assert!(refusal(&narrow, "dtypes").contains("inputs and outputs"));
        let mut narrow = intake();
        narrow.max_dimension = 2;
        assert!(refusal(&narrow, "dtypes").contains("input `x`"));
        let mut narrow = intake();
        narrow.domains.clear();
        assert!(refusal(&narrow, "dtypes").contains("unknown domain"));
        // A way out of the folder is refused as ever.
        assert!(matches!(intake().admit(&source("escape")), Err(Error::ExternalData { .. })));
    }
}
