//! Names that people type: what may be one, and those that the engine makes up.

use terrarium_api::{Error, ErrorCode};

use crate::{Result, error::quoted};

const ADJECTIVES: &[&str] = &[
    "airy",
    "amber",
    "autumn",
    "bold",
    "breezy",
    "bright",
    "calm",
    "cheerful",
    "clever",
    "cozy",
    "crisp",
    "curious",
    "dewy",
    "early",
    "earthy",
    "evergreen",
    "fresh",
    "gentle",
    "glassy",
    "golden",
    "humble",
    "jolly",
    "keen",
    "leafy",
    "light",
    "lively",
    "lucky",
    "lush",
    "mellow",
    "merry",
    "misty",
    "mossy",
    "nimble",
    "patient",
    "pebbly",
    "placid",
    "plucky",
    "quiet",
    "rainy",
    "rustic",
    "sandy",
    "serene",
    "shady",
    "silver",
    "snug",
    "spry",
    "steady",
    "stony",
    "sunny",
    "tender",
    "tidy",
    "tiny",
    "tranquil",
    "vivid",
    "warm",
    "wild",
    "windy",
    "wise",
    "woody",
    "zesty",
];

const NOUNS: &[&str] = &[
    "acorn",
    "aloe",
    "ant",
    "bamboo",
    "basil",
    "beetle",
    "bonsai",
    "bramble",
    "cactus",
    "clover",
    "cricket",
    "crocus",
    "cypress",
    "dahlia",
    "daisy",
    "fern",
    "firefly",
    "frog",
    "gecko",
    "ginkgo",
    "heather",
    "iris",
    "ivy",
    "jasmine",
    "juniper",
    "ladybird",
    "laurel",
    "lichen",
    "lily",
    "lotus",
    "magnolia",
    "mantis",
    "maple",
    "mimosa",
    "mint",
    "moss",
    "moth",
    "myrtle",
    "newt",
    "olive",
    "orchid",
    "peony",
    "pine",
    "poppy",
    "reed",
    "robin",
    "rose",
    "sage",
    "salamander",
    "sedge",
    "snail",
    "sorrel",
    "sparrow",
    "spruce",
    "tadpole",
    "thistle",
    "thyme",
    "toad",
    "tulip",
    "willow",
];

/// A name as the request has it, without the slash that Docker's API puts before it.
///
/// # Errors
/// `InvalidArgument` for one that does not follow `[a-zA-Z0-9][a-zA-Z0-9_.-]+`, as Docker has it.
pub(crate) fn parse(text: &str) -> Result<&str> {
    let name = text.strip_prefix('/').unwrap_or(text);
    let plain = |c: char| c.is_ascii_alphanumeric();
    let starts_well = name.starts_with(plain);
    let rest_is_well = name
        .chars()
        .all(|c| plain(c) || matches!(c, '_' | '.' | '-'));
    if starts_well && rest_is_well && (2..=255).contains(&name.len()) {
        return Ok(name);
    }
    Err(Error::new(
        ErrorCode::InvalidArgument,
        format!("invalid container name {}", quoted(text)),
    )
    .hint("use two or more of the characters a-z A-Z 0-9 _ . - and begin with a letter or digit"))
}

/// A name of two words that is not `taken`.
pub(crate) fn generate(taken: impl Fn(&str) -> bool) -> String {
    let pick = |words: &[&'static str]| words[rand::random_range(0..words.len())];
    let mut attempt = 0_u32;
    loop {
        let mut name = format!("{}_{}", pick(ADJECTIVES), pick(NOUNS));
        // With thousands of containers two words are not enough.
        if attempt > 8 {
            name = format!("{name}_{attempt}");
        }
        if !taken(&name) {
            return name;
        }
        attempt += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_follows_dockers_grammar() {
        for good in ["ab", "/web", "a.b-c_d", "9lives"] {
            assert_eq!(parse(good).unwrap(), good.trim_start_matches('/'));
        }
        for bad in ["", "a", "/", "-a", "a b", "a/b", "ä1", &"x".repeat(256)] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_made_up_name_is_valid_and_new_even_when_all_pairs_are_taken() {
        let name = generate(|name| name.matches('_').count() < 2);
        assert_eq!(name.matches('_').count(), 2);
        assert!(parse(&name).is_ok());
    }
}
