//! Where the steps of a build stand, for whoever shows how it goes on.

use terrarium_builder::{Failure, Report};
use terrarium_dockerfile::{Dockerfile, Instruction, Node, Program, Stage};

use super::BuildEvent;

/// The place of a step among those of its stage that make files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepPlace {
    /// The name or number of its stage; nothing where there is only one.
    pub stage: Option<String>,
    /// From 1.
    pub index: usize,
    /// How many the stage has.
    pub count: usize,
}

/// The steps of a Dockerfile.
pub(super) struct Steps {
    dockerfile: Dockerfile,
    places: Vec<Option<StepPlace>>,
}

impl Steps {
    pub(super) fn of(text: &str) -> Self {
        let dockerfile = Dockerfile::parse(text);
        let mut places = vec![None; dockerfile.nodes().count()];
        // The places of one that is wrong are of no interest: it is not built.
        if let Ok(program) = Program::of(&dockerfile) {
            for (number, stage) in program.stages.iter().enumerate() {
                let nodes = nodes(&program, number, stage);
                for (index, node) in nodes.iter().enumerate() {
                    places[*node] = Some(StepPlace {
                        stage: name(&program, number, stage),
                        index: index + 1,
                        count: nodes.len(),
                    });
                }
            }
        }
        Self { dockerfile, places }
    }

    pub(super) fn event(&self, report: Report) -> Option<BuildEvent> {
        Some(match report {
            Report::Step { node, line, .. } => BuildEvent::Step {
                number: node + 1,
                total: self.places.len(),
                line,
                place: self.places.get(node).cloned().flatten(),
            },
            Report::Recognized { .. } => return None,
            Report::Done {
                node, cached, id, ..
            } => BuildEvent::Done {
                number: node + 1,
                cached,
                layer: id,
            },
        })
    }

    pub(super) fn failed(&self, failure: &Failure) -> Option<BuildEvent> {
        let place = failure.place.as_ref()?;
        let holds = |node: &Node| node.span.contains(place.span.start) || node.span == place.span;
        let node = self.dockerfile.nodes().position(holds)?;
        Some(BuildEvent::Failed { number: node + 1 })
    }
}

fn name(program: &Program, number: usize, stage: &Stage) -> Option<String> {
    let several = program.stages.len() > 1;
    let own = stage.name.clone();
    several.then(|| own.unwrap_or_else(|| format!("stage-{number}")))
}

/// What makes files: the image that a stage starts from, and these instructions.
fn nodes(program: &Program, number: usize, stage: &Stage) -> Vec<usize> {
    let continues = program.stages[..number]
        .iter()
        .any(|before| before.name.as_deref() == Some(&stage.base.to_lowercase()));
    let base = (stage.base != "scratch" && !continues).then_some(stage.node);
    let steps = stage.steps.iter().filter(|step| {
        matches!(
            step.instruction,
            Instruction::Run(_) | Instruction::Transfer(_) | Instruction::Workdir(_)
        )
    });
    base.into_iter()
        .chain(steps.map(|step| step.node))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<String> {
        let shown = |place: StepPlace| {
            let stage = place.stage.unwrap_or_default();
            format!("{stage} {}/{}", place.index, place.count)
        };
        let places = Steps::of(text).places.into_iter();
        places
            .map(|place| place.map(shown).unwrap_or_default())
            .collect()
    }

    #[test]
    fn steps_are_counted_as_far_as_they_make_files() {
        let one = "FROM a\nENV A=b\nRUN x\nWORKDIR /y\nCMD z\n";
        assert_eq!(places(one), [" 1/3", "", " 2/3", " 3/3", ""]);
        let several = "FROM a AS one\nRUN x\nFROM scratch\nCOPY --from=one / /\nFROM One\nRUN y\n";
        let expect = ["one 1/2", "one 2/2", "", "stage-1 1/1", "", "stage-2 1/1"];
        assert_eq!(places(several), expect);
        assert_eq!(places("RUN x\n"), [""]);
    }
}
