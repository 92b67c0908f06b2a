//! Both languages and themes, a picture in each, and what a checker for accessibility says.

use std::{fs, path::Path, thread::sleep, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use terrarium_tests::Window;

/// The checker, as the front end's own tests use it.
const AXE: &str = "../ui/node_modules/axe-core/axe.min.js";

/// How a picture is taken.
pub(crate) struct Look<'a> {
    pub(crate) window: &'a Window,
    language: &'static str,
    theme: &'static str,
    axe: &'a str,
}

/// Does the same in English and Korean, in the dark and in the light.
pub(crate) fn in_all_looks(
    window: &Window,
    mut work: impl FnMut(&Look<'_>) -> Result<()>,
) -> Result<()> {
    let axe = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(AXE))
        .context("npm ci was not run in ui/")?;
    for (language, theme) in combinations() {
        dress(window, language, theme)?;
        work(&Look {
            window,
            language,
            theme,
            axe: &axe,
        })?;
    }
    Ok(())
}

/// Fails with what the checker complained about.
pub(crate) fn none(complaints: &[String]) -> Result<()> {
    ensure!(
        complaints.is_empty(),
        "{} complaints:\n{}",
        complaints.len(),
        complaints.join("\n")
    );
    Ok(())
}

fn combinations() -> [(&'static str, &'static str); 4] {
    [
        ("en", "dark"),
        ("en", "light"),
        ("ko", "dark"),
        ("ko", "light"),
    ]
}

/// Chooses language and theme as a person does, in the settings.
fn dress(window: &Window, language: &str, theme: &str) -> Result<()> {
    window.script("location.hash = '#/settings'", json!([]))?;
    window.click(&format!("language-{language}"))?;
    window.click(&format!("theme-{theme}"))?;
    window.find_css(&format!("html[lang={language}]"))?;
    window.script("location.hash = '#/home'", json!([]))?;
    Ok(())
}

impl Look<'_> {
    /// Takes a picture.
    pub(crate) fn picture(&self, name: &str) -> Result<()> {
        settle();
        let Self {
            language, theme, ..
        } = self;
        self.window
            .screenshot(&format!("{name}-{language}-{theme}"))
    }

    /// Takes a picture, and gives back what the checker complains about.
    pub(crate) fn at(&self, name: &str) -> Result<Vec<String>> {
        let Self {
            window,
            language,
            theme,
            axe,
        } = self;
        self.picture(name)?;
        let there = window.script("return typeof window.axe === 'object'", json!([]))?;
        if there != Value::Bool(true) {
            window.script(axe, json!([]))?;
        }
        let check = "const done = arguments[arguments.length - 1]; \
            window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] }) \
            .then((result) => done(result.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 160)}`))), \
            (error) => done([String(error)]))";
        let found = window.script_async(check, json!([]))?;
        let found = found.as_array().context("the checker gives a list")?;
        Ok(found
            .iter()
            .map(|complaint| format!("{name} {language} {theme}: {complaint}"))
            .collect())
    }
}

/// Lets transitions end, which are at most 280 ms long.
pub(crate) fn settle() {
    sleep(Duration::from_millis(350));
}
