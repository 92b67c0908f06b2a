//! A case as data, and how it is judged.

use std::{fmt::Write as _, path::Path};

use serde_json::{Value, json};
use terrarium_tests::{Bundle, Ran, runtime_name};

use crate::deviations::deviation;

/// The probe that runs inside.
pub(crate) const PROBE: &str = env!("CARGO_BIN_EXE_probe");

/// One line of a table.
pub(crate) struct Case {
    name: &'static str,
    edit: Value,
    args: Vec<String>,
    expect: Expect,
}

enum Expect {
    /// The probe's object contains this one.
    Finds(Value),
    /// `create` or `run` fails before the program runs.
    Refused,
    /// The program ran and ended with this code.
    Exits(i32),
}

impl Case {
    /// A container with this change of its configuration (a JSON merge patch; a key that ends in
    /// `+` appends to a list), in which `probe` is run with these words.
    pub(crate) fn new(name: &'static str, edit: Value, args: &[&str]) -> Self {
        let args = args.iter().map(|&word| word.to_owned()).collect();
        Self {
            name,
            edit,
            args,
            expect: Expect::Exits(0),
        }
    }

    /// What the probe must find; null stands for what must not be there.
    pub(crate) fn finds(mut self, expected: Value) -> Self {
        self.expect = Expect::Finds(expected);
        self
    }

    /// The runtime must not run this.
    pub(crate) fn refused(mut self) -> Self {
        self.expect = Expect::Refused;
        self
    }

    /// The exit code must be this one; 128 and its number stand for a signal.
    pub(crate) fn exits(mut self, code: i32) -> Self {
        self.expect = Expect::Exits(code);
        self
    }

    fn judge(&self, bundle: &Bundle) -> Result<(), String> {
        let mut words = vec!["/bin/probe"];
        words.extend(self.args.iter().map(String::as_str));
        let mut config = bundle.config(&words);
        merge(&mut config, &self.edit);
        let ran = bundle.run(&config).map_err(|error| format!("{error:#}"))?;
        let verdict = self.compare(&ran);
        let _ = bundle.delete();
        verdict
    }

    fn compare(&self, ran: &Ran) -> Result<(), String> {
        match &self.expect {
            Expect::Finds(expected) => {
                let found = serde_json::from_str(&ran.stdout)
                    .map_err(|_| format!("no answer: {:?} {}", ran.code, ran.stderr))?;
                contains(&found, expected, "")
            }
            Expect::Refused if ran.code == Some(0) => Err("it ran".to_owned()),
            Expect::Refused if ran.stdout.trim().is_empty() => Ok(()),
            Expect::Refused => Err("the program ran".to_owned()),
            Expect::Exits(code) if ran.code == Some(*code) => Ok(()),
            Expect::Exits(code) => Err(format!("not {code} but {:?}: {}", ran.code, ran.stderr)),
        }
    }
}

/// A bundle for the runtime under test.
pub(crate) fn bundle() -> Option<Bundle> {
    Bundle::new(Path::new(PROBE)).unwrap()
}

/// Judges every case, then fails with all that were wrong. A known deviation of a peer must still be
/// one.
#[track_caller]
pub(crate) fn check(cases: impl IntoIterator<Item = Case>) {
    let Some(bundle) = bundle() else { return };
    check_in(&bundle, cases);
}

/// As [`check`], in a bundle that was prepared.
#[track_caller]
pub(crate) fn check_in(bundle: &Bundle, cases: impl IntoIterator<Item = Case>) {
    let mut wrong = String::new();
    for case in cases {
        record(&mut wrong, case.name, case.judge(bundle));
    }
    assert!(wrong.is_empty(), "{}:\n{wrong}", runtime_name());
    assert_eq!(bundle.left(), Vec::<String>::new(), "left behind");
}

/// Judges something that is not a table, by the same rule for deviations.
#[track_caller]
pub(crate) fn expect(name: &'static str, verdict: Result<(), String>) {
    let mut wrong = String::new();
    record(&mut wrong, name, verdict);
    assert!(wrong.is_empty(), "{}:\n{wrong}", runtime_name());
}

fn record(wrong: &mut String, name: &str, verdict: Result<(), String>) {
    match (verdict, deviation(name)) {
        (Ok(()), None) => {}
        (Err(error), None) => writeln!(wrong, "  {name}: {error}").unwrap(),
        (Err(_), Some(reason)) => eprintln!("deviates, as known: {name}: {reason}"),
        (Ok(()), Some(reason)) => {
            writeln!(wrong, "  {name}: holds, though noted: {reason}").unwrap();
        }
    }
}

/// Whether everything in `expected` is in `found`, at the same place.
pub(crate) fn contains(found: &Value, expected: &Value, place: &str) -> Result<(), String> {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            expected.iter().try_for_each(|(key, expected)| {
                let found = found.get(key).unwrap_or(&Value::Null);
                contains(found, expected, &format!("{place}/{key}"))
            })
        }
        _ if found == expected => Ok(()),
        _ => Err(format!("{place} is {found}, not {expected}")),
    }
}

/// RFC 7396, and `key+` to append.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        if let Some(key) = key.strip_suffix('+') {
            let list = target[key].take();
            let mut list = list.as_array().cloned().unwrap_or_default();
            list.extend(value.as_array().into_iter().flatten().cloned());
            target[key] = list.into();
        } else if value.is_null() {
            target.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut target[key.as_str()], value);
        }
    }
}
