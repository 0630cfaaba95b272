//! The programs' parts together, and the shape of the workspace.

mod conformance;
mod edges;
mod small_story;
mod whole_story;
