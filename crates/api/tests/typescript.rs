//! The TypeScript of the front end is what these types say, byte for byte.
//!
//! `UPDATE_TYPESCRIPT=1 cargo test -p terrarium-api --features typescript` writes it anew.
#![cfg(feature = "typescript")]
#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::{
    any::TypeId, collections::BTreeMap, collections::HashSet, fmt::Write as _, fs, path::Path,
};

use terrarium_api::{
    CAUSES, CGROUP_FILES, DETAILS, DOCKERFILE_PROBLEMS, FINDINGS, HINTS, STEPS, commands,
    commands::Shape,
};
use ts_rs::{Config, TS, TypeVisitor};

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../ui/src/lib/ipc/generated/api.ts"
);

#[test]
fn the_typescript_of_the_window_is_up_to_date() {
    let mut text = String::from("// Written from the Rust types of crates/api. Do not edit.\n\n");
    let mut types = Declarations::default();
    commands::visit(&mut types);
    for declaration in types.text.values() {
        writeln!(text, "export {declaration}\n").unwrap();
    }
    write_maps(&mut text);
    write_names(&mut text, "CGROUP_FILES", CGROUP_FILES);
    write_names(&mut text, "STEPS", STEPS);
    write_names(&mut text, "DOCKERFILE_PROBLEMS", DOCKERFILE_PROBLEMS);
    let hints: Vec<&str> = HINTS.iter().map(|(code, _)| *code).collect();
    write_names(&mut text, "HINTS", &hints);
    let findings: Vec<&str> = FINDINGS.iter().map(|(code, _)| *code).collect();
    write_names(&mut text, "FINDINGS", &findings);
    write_texts(&mut text, "CAUSES", CAUSES);
    write_texts(&mut text, "DETAILS", DETAILS);

    if std::env::var_os("UPDATE_TYPESCRIPT").is_some() {
        fs::create_dir_all(Path::new(FILE).parent().unwrap()).unwrap();
        fs::write(FILE, &text).unwrap();
    }
    let written = fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        written == text,
        "{FILE} differs from crates/api: run `UPDATE_TYPESCRIPT=1 cargo test -p terrarium-api --features typescript`"
    );
}

fn config() -> Config {
    // Sizes and times stay below 2^53, where a JavaScript number is exact.
    Config::new().with_large_int("number")
}

#[derive(Default)]
struct Declarations {
    seen: HashSet<TypeId>,
    text: BTreeMap<String, String>,
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if !self.seen.insert(TypeId::of::<T>()) {
            return;
        }
        if T::output_path().is_some() {
            let config = config();
            self.text.insert(T::ident(&config), T::decl(&config));
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

fn write_maps(text: &mut String) {
    let shapes = commands::shapes(&config());
    let (streams, commands): (Vec<&Shape>, Vec<&Shape>) =
        shapes.iter().partition(|shape| shape.message.is_some());
    text.push_str("export interface Commands {\n");
    for Shape {
        name,
        request,
        reply,
        ..
    } in commands
    {
        writeln!(text, "  {name}: {{ request: {request}; reply: {reply} }};").unwrap();
    }
    text.push_str("}\n\nexport interface Streams {\n");
    for Shape {
        name,
        request,
        reply,
        message,
    } in streams
    {
        let message = message.as_deref().unwrap();
        writeln!(
            text,
            "  {name}: {{ request: {request}; message: {message}; reply: {reply} }};"
        )
        .unwrap();
    }
    text.push_str("}\n");
}

/// Texts that the window recognizes, each by its code and with a `{}` for each value.
fn write_texts(text: &mut String, list: &str, texts: &[(&str, &str)]) {
    writeln!(text, "\nexport const {list} = [").unwrap();
    for (code, template) in texts {
        writeln!(text, "  [\"{code}\", \"{template}\"],").unwrap();
    }
    text.push_str("] as const\n");
}

/// A list of names that the window must have a text for; as values, so that its tests can walk them.
fn write_names(text: &mut String, list: &str, names: &[&str]) {
    writeln!(text, "\nexport const {list} = [").unwrap();
    for name in names {
        writeln!(text, "  \"{name}\",").unwrap();
    }
    text.push_str("] as const\n");
}
