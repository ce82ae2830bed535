//! One ONNX model on rten, run by one thread of low priority.
//!
//! rten's own pool takes every core; ours has one thread a model, so that media always finds a core.

use crate::EngineFault;
use rten::{Model, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use std::{path::Path, sync::Arc};

pub(crate) struct Onnx {
    model: Model,
    pool: Arc<ThreadPool>,
}

impl Onnx {
    /// Loads a model; its thread gets the nice value.
    pub(crate) fn load(path: &Path, nice: i32) -> Result<Self, EngineFault> {
        let model = Model::load_file(path).map_err(|error| EngineFault::Missing(format!("{}: {error}", path.display())))?;
        let pool = Arc::new(ThreadPool::with_num_threads(1));
        pool.run(|| crate::threads::be_nice(nice));
        Ok(Self { model, pool })
    }

    pub(crate) fn node(&self, name: &str) -> Result<NodeId, EngineFault> {
        self.model.node_id(name).map_err(|_| EngineFault::Failed(format!("the model has no {name}")))
    }

    pub(crate) fn run<const N: usize>(
        &self,
        inputs: Vec<(NodeId, ValueOrView<'_>)>,
        outputs: [NodeId; N],
    ) -> Result<[Value; N], EngineFault> {
        let mut options = RunOptions::default();
        options.thread_pool = Some(Arc::clone(&self.pool));
        self.model.run_n(inputs, outputs, Some(options)).map_err(|error| EngineFault::Failed(error.to_string()))
    }
}
