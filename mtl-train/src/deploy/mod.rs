//! A trained model away from its run: as a package, and answering raw files.

pub mod export;
pub mod predict;
