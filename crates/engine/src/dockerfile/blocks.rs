//! Instructions as blocks, and the stages that they stand in.

use std::collections::BTreeSet;

use terrarium_api::{Block, BlockDraft, BlockFlag, BlockSaid, NamedValue, StageModel};
use terrarium_dockerfile::{Dockerfile, Draft, Item, Keyword, Mount, Node, Said};

use super::{offsets::Offsets, range};

/// All instructions, in order.
pub(super) fn blocks(dockerfile: &Dockerfile, offsets: &Offsets<'_>) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut comments = Vec::new();
    let mut stage = None;
    for item in dockerfile.items() {
        match item {
            Item::Comment(span) => {
                let text = dockerfile.text()[span.start..span.end].trim();
                comments.push(text.trim_start_matches('#').trim().to_owned());
            }
            Item::Blank(_) | Item::Directive(_) => comments.clear(),
            Item::Instruction(node) => {
                if node.keyword == Some(Keyword::From) {
                    stage = Some(stage.map_or(0, |stage| stage + 1));
                }
                let place = (blocks.len(), stage);
                blocks.push(block(dockerfile, offsets, node, place));
                if let Some(block) = blocks.last_mut() {
                    block.comments = std::mem::take(&mut comments);
                }
            }
        }
    }
    blocks
}

fn block(
    dockerfile: &Dockerfile,
    offsets: &Offsets<'_>,
    node: &Node,
    (number, stage): (usize, Option<u32>),
) -> Block {
    let draft = dockerfile.draft(number);
    let said = match draft {
        Some(draft) => told(draft.said),
        None => BlockSaid::Text {
            text: node.line[node.word.text.len().min(node.line.len())..]
                .trim()
                .to_owned(),
        },
    };
    let flags = node.flags.iter().map(|flag| BlockFlag {
        name: flag.name.clone(),
        value: flag.value.clone(),
    });
    Block {
        node: number as u32,
        stage,
        keyword: node.keyword.map(|keyword| keyword.as_str().to_owned()),
        line: node.line.clone(),
        comments: Vec::new(),
        range: range(offsets, node.span),
        first_line: offsets.line(node.span.start),
        last_line: offsets.line(node.span.end.saturating_sub(1).max(node.span.start)),
        flags: flags.collect(),
        said,
        makes_layer: node.keyword.is_some_and(Keyword::makes_a_layer),
    }
}

fn told(said: Said) -> BlockSaid {
    match said {
        Said::Text(text) => BlockSaid::Text { text },
        Said::Words(words) => BlockSaid::Words { words },
        Said::List(words) => BlockSaid::List { words },
        Said::Pairs(pairs) => BlockSaid::Pairs {
            pairs: pairs
                .into_iter()
                .map(|(name, value)| NamedValue { name, value })
                .collect(),
        },
    }
}

/// What a form says, in the words of the language; nothing where its keyword is none.
pub(super) fn draft(draft: BlockDraft) -> Option<Draft> {
    let flags = draft.flags.into_iter();
    Some(Draft {
        keyword: Keyword::read(&draft.keyword)?,
        flags: flags.map(|flag| (flag.name, flag.value)).collect(),
        said: match draft.said {
            BlockSaid::Text { text } => Said::Text(text),
            BlockSaid::Words { words } => Said::Words(words),
            BlockSaid::List { words } => Said::List(words),
            BlockSaid::Pairs { pairs } => {
                let pairs = pairs.into_iter();
                Said::Pairs(pairs.map(|pair| (pair.name, pair.value)).collect())
            }
        },
    })
}

/// The stages of a file, also of one with errors.
pub(super) fn stages(dockerfile: &Dockerfile, target: Option<&str>) -> Vec<StageModel> {
    let mut stages: Vec<StageModel> = Vec::new();
    for (number, node) in dockerfile.nodes().enumerate() {
        if node.keyword == Some(Keyword::From) {
            let words = node.words();
            let base = words.first().copied().unwrap_or_default().to_owned();
            let needs = earlier(&stages, &base).into_iter().collect();
            stages.push(StageModel {
                name: words.get(2).map(|name| (*name).to_owned()),
                base,
                node: number as u32,
                needs,
                needed: false,
            });
        } else if let Some((stage, before)) = stages.split_last_mut() {
            let taken = sources(node).into_iter();
            let needs = taken.filter_map(|name| earlier(before, &name));
            for need in needs.collect::<BTreeSet<_>>() {
                if !stage.needs.contains(&need) {
                    stage.needs.push(need);
                }
            }
        }
    }
    mark_needed(&mut stages, target);
    stages
}

/// The names that an instruction takes files from.
fn sources(node: &Node) -> Vec<String> {
    let flags = node.flags.iter();
    let named = flags.filter_map(|flag| {
        let value = flag.value.clone()?;
        match flag.name.as_str() {
            "from" => Some(value),
            "mount" => Mount::parse(&value).ok()?.from,
            _ => None,
        }
    });
    named.collect()
}

/// The stage among these that a name means.
fn earlier(stages: &[StageModel], name: &str) -> Option<u32> {
    let same = |stage: &StageModel| {
        let own = stage.name.as_deref();
        own.is_some_and(|own| own.eq_ignore_ascii_case(name))
    };
    let named = stages.iter().rposition(same);
    let numbered = || name.parse().ok().filter(|number| *number < stages.len());
    named.or_else(numbered).map(|index| index as u32)
}

fn mark_needed(stages: &mut [StageModel], target: Option<&str>) {
    let last = stages.len().checked_sub(1).map(|last| last as u32);
    let target = target.and_then(|name| earlier(stages, name)).or(last);
    let mut open: Vec<u32> = target.into_iter().collect();
    while let Some(index) = open.pop() {
        let stage = &mut stages[index as usize];
        if !std::mem::replace(&mut stage.needed, true) {
            open.extend(stage.needs.iter().copied());
        }
    }
}

/// The instructions that a target needs: those of its stages, and what stands before the first one.
pub(crate) fn needed(dockerfile: &Dockerfile, target: Option<&str>) -> BTreeSet<usize> {
    let stages = stages(dockerfile, target);
    let mut current = None;
    let mut needed = BTreeSet::new();
    for (number, _) in dockerfile.nodes().enumerate() {
        let begins = stages
            .iter()
            .position(|stage| stage.node as usize == number);
        current = begins.or(current);
        if current.is_none_or(|stage| stages[stage].needed) {
            needed.insert(number);
        }
    }
    needed
}
