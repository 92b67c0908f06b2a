//! Which stages a stage needs, and how they are carried out side by side.

use std::collections::BTreeSet;

use futures_util::future::{BoxFuture, FutureExt as _};
use terrarium_dockerfile::{Instruction, Mount, Program, Step};

use crate::build::Build;
use crate::state::State;
use crate::{Executor, Failure};

impl<E: Executor> Build<'_, E> {
    /// A stage, carried out once however many ask for it.
    pub(crate) fn stage(&self, index: usize) -> BoxFuture<'_, Result<State, Failure>> {
        async move {
            let state = self.stages[index]
                .get_or_try_init(|| self.evaluate(index).boxed())
                .await?;
            Ok(state.clone())
        }
        .boxed()
    }

    /// A stage and all that it needs, side by side. Earlier ones come first, so that none is carried out from within
    /// another one, however long the row of stages is.
    pub(crate) fn with_needs(&self, index: usize) -> BoxFuture<'_, Result<State, Failure>> {
        let begun = self
            .needed
            .get()
            .is_some_and(|begun| begun.contains(&index));
        if begun {
            return self.stage(index);
        }
        async move {
            let needed = self.needs(index);
            // The target's come first; later only what an instruction of a base takes is found.
            let _ = self.needed.set(needed.clone());
            let all = needed.iter().map(|index| self.stage(*index));
            futures_util::future::try_join_all(all).await?;
            self.stage(index).await
        }
        .boxed()
    }

    /// The stages that a stage needs, itself included. Only earlier stages count, so there is no circle.
    fn needs(&self, index: usize) -> BTreeSet<usize> {
        let mut needed = BTreeSet::new();
        let mut open = vec![index];
        while let Some(index) = open.pop() {
            if needed.insert(index) {
                open.extend(self.uses(index));
            }
        }
        needed
    }

    fn uses(&self, index: usize) -> Vec<usize> {
        let stage = &self.program.stages[index];
        let base = self.global(&stage.base).ok();
        let mut names: Vec<String> = base.iter().cloned().collect();
        names.extend(stage.steps.iter().flat_map(sources));
        // What a stage leaves for later happens here.
        let parent = base.and_then(|base| self.earlier(&base, index));
        let left = parent.map_or(&[][..], |parent| &self.program.stages[parent].steps);
        for step in left {
            if let Instruction::Onbuild(text) = &step.instruction {
                let triggers =
                    Program::triggers(std::slice::from_ref(text), stage.span, stage.node);
                names.extend(triggers.iter().flatten().flat_map(sources));
            }
        }
        names
            .iter()
            .filter_map(|name| self.earlier(name, index))
            .collect()
    }
}

/// The names of stages and images that a step takes from.
fn sources(step: &Step) -> Vec<String> {
    match &step.instruction {
        Instruction::Transfer(transfer) => transfer.from.iter().cloned().collect(),
        Instruction::Run(run) => {
            let mounts = run.mounts.iter();
            let mounts = mounts.filter_map(|mount| Mount::parse(mount).ok());
            mounts.filter_map(|mount| mount.from).collect()
        }
        _ => Vec::new(),
    }
}
