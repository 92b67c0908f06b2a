//! The coach: what would make an image smaller and its builds faster, and by how much.
//!
//! The rules are pure; what a step costs comes from the builds before, from its layer, and from the folder of the build.

mod measure;
mod rules;
mod tools;

use std::path::PathBuf;

use terrarium_api::{
    BuildRecord, Coaching, Cost, ForecastQuery, LeaveOut, Proposal, ProposalKind, StepState,
};
use terrarium_dockerfile::{Dockerfile, Ignore};
use terrarium_oci::ChainId;
use terrarium_store::Name;

use self::rules::Case;
use super::forecast::past;
use crate::{
    Engine, Result,
    blocking::blocking,
    projects::{Record, ignore_rules, leave_out},
};

impl Engine {
    /// What could be better about a text. Nothing is run or written.
    ///
    /// # Errors
    /// `NoSuchProject`; `InvalidArgument` for a folder that cannot be read.
    pub async fn coach(&self, query: ForecastQuery) -> Result<Coaching> {
        let project = self.project_record(&query.project).await?;
        let (mut proposals, lines) = self.thought_up(&project, query.text).await?;
        let (root, id) = (self.config().data_root.clone(), query.project);
        let past = blocking(move || Ok(past(&root, &id))).await?;
        for proposal in &mut proposals {
            let line = &lines[proposal.node as usize];
            self.weigh(proposal, line, &past).await;
        }
        // A step whose layer has nothing of it needs no cleaning: the base does that.
        proposals.retain(|proposal| {
            proposal.kind != ProposalKind::CleanUp || proposal.cost.bytes != Some(0)
        });
        Ok(Coaching { proposals })
    }

    /// The proposals, and the lines of all instructions.
    async fn thought_up(
        &self,
        project: &Record,
        text: String,
    ) -> Result<(Vec<Proposal>, Vec<String>)> {
        let (engine, project) = (self.clone(), project.clone());
        blocking(move || {
            let dockerfile = Dockerfile::parse(&text);
            let lines = dockerfile.nodes().map(|node| node.line.clone()).collect();
            if !dockerfile.errors().is_empty() {
                return Ok((Vec::new(), lines));
            }
            let folder = PathBuf::from(&project.folder);
            let ignore = Ignore::parse(&ignore_rules(&folder, &project.dockerfile));
            let scan = engine.inner.scans.scan(&folder, &ignore)?;
            let case = Case {
                dockerfile: &dockerfile,
                files: &scan.files,
            };
            Ok((case.proposals(), lines))
        })
        .await
    }

    /// Says what a step costs as things stand.
    async fn weigh(&self, proposal: &mut Proposal, line: &str, past: &[BuildRecord]) {
        if proposal.kind == ProposalKind::LeaveOut {
            return;
        }
        let steps = || past.iter().flat_map(|record| &record.steps);
        let own = || steps().filter(|step| step.line == line);
        let ran = own().find(|step| step.state == StepState::Done && step.usec.is_some());
        proposal.cost = Cost {
            usec: ran.and_then(|step| step.usec),
            ..Cost::default()
        };
        let chain = own().find_map(|step| step.layer.as_ref()?.chain_id.parse().ok());
        let folder = match proposal.kind {
            ProposalKind::CleanUp => proposal.names.first(),
            ProposalKind::CacheMount => proposal.names.get(1),
            ProposalKind::InstallFirst | ProposalKind::LeaveOut => None,
        };
        if let (Some(chain), Some(folder)) = (chain, folder) {
            let inside = self.layer_part(Name::from(&ChainId(chain)), folder).await;
            // A layer that is gone says nothing.
            let sums = inside.ok();
            proposal.cost.bytes = sums.map(|(bytes, _)| bytes);
            proposal.cost.files = sums.map(|(_, files)| files);
        }
    }

    /// Leaves files out of the builds of a project, by lines in its `.dockerignore`.
    ///
    /// # Errors
    /// `NoSuchProject`; what could not be written.
    pub async fn leave_out(&self, request: LeaveOut) -> Result<()> {
        let project = self.project_record(&request.project).await?;
        blocking(move || {
            let folder = PathBuf::from(&project.folder);
            leave_out(&folder, &project.dockerfile, &request.lines)
        })
        .await
    }
}
