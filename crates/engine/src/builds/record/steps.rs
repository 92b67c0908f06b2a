//! How each instruction of a build stands.

use terrarium_api::{BuildStep, BuiltLayer, StepState};
use terrarium_builder::{Layer, Report};
use terrarium_dockerfile::{Dockerfile, Keyword, Position};

/// All instructions, none of them begun.
pub(super) fn of(dockerfile: &Dockerfile) -> Vec<BuildStep> {
    let mut stage = None;
    let nodes = dockerfile.nodes().enumerate();
    let steps = nodes.map(|(number, node)| {
        if node.keyword == Some(Keyword::From) {
            stage = Some(stage.map_or(0, |stage| stage + 1));
        }
        let line = |byte| Position::of(dockerfile.text(), byte).line as u32;
        BuildStep {
            node: number as u32,
            stage,
            line: node.line.clone(),
            first_line: line(node.span.start),
            last_line: line(node.span.end.saturating_sub(1)),
            state: StepState::Waiting,
            start_usec: None,
            usec: None,
            key: None,
            layer: None,
            exit_code: None,
            command: None,
        }
    });
    steps.collect()
}

/// Takes in what the builder says, and gives the instruction that it is about.
pub(super) fn apply(steps: &mut [BuildStep], report: &Report, at: u64) -> usize {
    let (Report::Step { node, .. } | Report::Recognized { node, .. } | Report::Done { node, .. }) =
        report;
    let Some(step) = steps.get_mut(*node) else {
        return *node;
    };
    match report {
        Report::Step { .. } => {
            step.state = StepState::Running;
            step.start_usec = step.start_usec.or(Some(at));
        }
        Report::Recognized { key, .. } => step.key = Some(key.as_str().to_owned()),
        Report::Done {
            cached,
            usec,
            layer,
            ..
        } => {
            step.state = if *cached {
                StepState::Cached
            } else {
                StepState::Done
            };
            // Triggers of a base run under its `FROM`: their times add up.
            step.usec = Some(step.usec.unwrap_or_default() + usec);
            step.layer = layer.as_deref().map(built).or(step.layer.take());
        }
    }
    *node
}

pub(super) fn end(step: &mut BuildStep, state: StepState, at: u64) {
    step.state = state;
    step.usec = step.start_usec.map(|start| at.saturating_sub(start));
}

fn built(layer: &Layer) -> BuiltLayer {
    BuiltLayer {
        chain_id: layer.chain.to_string(),
        digest: layer.blob.digest.to_string(),
        size_bytes: layer.blob.size_bytes,
    }
}
