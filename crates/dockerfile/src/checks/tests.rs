use super::*;

fn codes(text: &str) -> Vec<&'static str> {
    let surroundings = Surroundings {
        ignore: Ignore::parse("secret\n"),
        ..Surroundings::default()
    };
    let found = check(&Dockerfile::parse(text), &surroundings);
    found.iter().map(|check| check.code.as_str()).collect()
}

#[test]
fn every_check_finds_its_case() {
    for (text, expect) in [
        ("FROM a AS Big\n", "StageNameCasing"),
        ("FROM a as b\n", "FromAsCasing"),
        ("FROM a\nRUN x \\\n\n y\n", "NoEmptyContinuation"),
        ("FROM a\nRUN x\nrun y\n", "ConsistentInstructionCasing"),
        ("FROM a AS b\nFROM c AS b\n", "DuplicateStageName"),
        ("FROM a AS scratch\n", "ReservedStageName"),
        ("FROM a\nCMD run me\n", "JSONArgsRecommended"),
        ("FROM a\nMAINTAINER me\n", "MaintainerDeprecated"),
        ("FROM a:$V\n", "UndefinedArgInFrom"),
        ("FROM a\nWORKDIR b\n", "WorkdirRelativePath"),
        ("FROM scratch\nCOPY $V /\n", "UndefinedVar"),
        (
            "FROM a\nCMD [\"x\"]\nCMD [\"y\"]\n",
            "MultipleInstructionsDisallowed",
        ),
        ("FROM a\nENV A b\n", "LegacyKeyValueFormat"),
        (
            "FROM --platform=$TARGETPLATFORM a\n",
            "RedundantTargetPlatform",
        ),
        ("FROM a\nENV API_TOKEN=x\n", "SecretsUsedInArgOrEnv"),
        ("ARG V\nFROM a:$V\n", "InvalidDefaultArgInFrom"),
        (
            "FROM --platform=linux/arm64 a\n",
            "FromPlatformFlagConstDisallowed",
        ),
        ("FROM a\nCOPY secret /\n", "CopyIgnoredFile"),
        (
            "# check=experimental=InvalidDefinitionDescription\n# note\nARG V=1\nFROM a\n",
            "InvalidDefinitionDescription",
        ),
        ("FROM a\nEXPOSE 80/TCP\n", "ExposeProtoCasing"),
        ("FROM a\nEXPOSE 80:80\n", "ExposeInvalidFormat"),
    ] {
        assert_eq!(codes(text), [expect], "{text}");
    }
}

#[test]
fn a_good_file_has_nothing_to_say() {
    let text = "ARG V=3\nFROM alpine:$V AS base\nENV PUBLIC_KEY=x\nWORKDIR /app\nCOPY . .\nCMD [\"./run\"]\n";
    assert_eq!(codes(text), [""; 0]);
}

#[test]
fn a_directive_switches_checks_off() {
    assert_eq!(
        codes("# check=skip=JSONArgsRecommended\nFROM a\nCMD x\n"),
        [""; 0]
    );
    assert_eq!(codes("# check=skip=all\nFROM a as B\nCMD x\n"), [""; 0]);
    assert!(Dockerfile::parse("# check=skip=all;error=true\nFROM a\n").checks_are_errors());
}

#[test]
fn a_fix_settles_its_check() {
    for text in [
        "FROM a as b\n",
        "FROM a AS B\n",
        "FROM a\nRUN x \\\n\n y\n",
        "FROM a\nrun y\n",
        "FROM a\nCMD run --me now\n",
        "FROM a\nMAINTAINER Me \"x\" <me@example.com>\n",
        "FROM a\nENV A b c\n",
        "FROM a\nEXPOSE 80/TCP\n",
    ] {
        let found = check(&Dockerfile::parse(text), &Surroundings::default());
        let fix = found[0]
            .fix
            .as_ref()
            .unwrap_or_else(|| panic!("a fix for {text}"));
        let mut fixed = text.to_owned();
        fixed.replace_range(fix.span.start..fix.span.end, &fix.text);
        assert_eq!(codes(&fixed), [""; 0], "{fixed}");
        assert!(
            crate::Program::of(&Dockerfile::parse(&fixed)).is_ok(),
            "{fixed}"
        );
    }
}

#[test]
fn texts_name_what_they_are_about() {
    let found = check(
        &Dockerfile::parse("FROM a\nWORKDIR b\n"),
        &Surroundings::default(),
    );
    assert_eq!(
        found[0].message(),
        "WORKDIR \"b\" depends on where the base image left off; start with /"
    );
    assert_eq!(found[0].position, Position { line: 2, column: 9 });
}
