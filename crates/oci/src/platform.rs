use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::serde_forms::null_is_default;
use crate::{Error, PlatformFault, Result};

/// The operating system and processor that an image runs on.
///
/// Written `os/architecture[/variant]`, with the names that Go gives them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Platform {
    /// `linux`, `windows`, …
    pub os: String,
    /// `amd64`, `arm64`, …
    pub architecture: String,
    /// `v7` of `arm`, `v3` of `amd64`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The system's version, which matters to Windows.
    #[serde(
        rename = "os.version",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub os_version: Option<String>,
    /// Features the system must have.
    #[serde(
        rename = "os.features",
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub os_features: Vec<String>,
}

impl Platform {
    /// A platform without variant.
    pub fn new(os: &str, architecture: &str) -> Self {
        Self {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            ..Self::default()
        }
    }

    /// The platform of this machine, with the best variant that the processor has.
    pub fn host() -> Self {
        let mut host = Self::made_here();
        if let Some(level) = amd64_level() {
            host.variant = Some(format!("v{level}"));
        }
        host
    }

    /// The platform that images made here are for: the lowest variant of this machine's architecture, so
    /// that they run wherever another machine could have made them.
    pub fn made_here() -> Self {
        Self::new("linux", std::env::consts::ARCH).normalized()
    }

    /// How well an image for `image` runs here: 0 is best, larger is worse, `None` is not at all.
    ///
    /// A processor runs the lower variants of its architecture, and the 32-bit architecture before it.
    pub fn rank(&self, image: &Self) -> Option<usize> {
        let image = image.normalized();
        let mine = self.normalized();
        if image.os != mine.os {
            return None;
        }
        mine.runs().position(|(architecture, level)| {
            architecture == image.architecture && level == image.level()
        })
    }

    /// Whether an image for `image` runs here.
    pub fn runs_image(&self, image: &Self) -> bool {
        self.rank(image).is_some()
    }

    /// One spelling for each platform: `aarch64` is `arm64`, `x86_64` is `amd64`, `armhf` is `arm/v7`.
    pub fn normalized(&self) -> Self {
        let variant = self.variant.as_deref().unwrap_or_default().to_lowercase();
        let architecture = self.architecture.to_lowercase();
        let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
            ("aarch64" | "arm64", "" | "8" | "v8" | "v8.0") => ("arm64", ""),
            ("aarch64", other) => ("arm64", other),
            ("x86_64" | "x86-64" | "amd64", "" | "v1") => ("amd64", ""),
            ("x86_64" | "x86-64", other) => ("amd64", other),
            ("i386" | "i486" | "i586" | "i686" | "x86", _) => ("386", ""),
            ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
            ("armel", _) | ("arm", "6") => ("arm", "v6"),
            ("arm", "5") => ("arm", "v5"),
            ("arm", "8") => ("arm", "v8"),
            ("powerpc64le", other) => ("ppc64le", other),
            (architecture, variant) => (architecture, variant),
        };
        let os = match self.os.to_lowercase().as_str() {
            "macos" => "darwin".to_owned(),
            other => other.to_owned(),
        };
        Self {
            os,
            architecture: architecture.to_owned(),
            variant: (!variant.is_empty()).then(|| variant.to_owned()),
            os_version: self.os_version.clone(),
            os_features: self.os_features.clone(),
        }
    }

    /// The architectures and levels that run here, best first.
    fn runs(&self) -> impl Iterator<Item = (&str, u32)> {
        let level = self.level();
        let lowest = match self.architecture.as_str() {
            "arm" => 5,
            "amd64" => 1,
            "arm64" => 8,
            _ => level,
        };
        let own = (lowest..=level)
            .rev()
            .map(|level| (self.architecture.as_str(), level));
        let older: &[(&str, u32)] = match self.architecture.as_str() {
            "amd64" => &[("386", 0)],
            "arm64" => &[("arm", 8), ("arm", 7), ("arm", 6), ("arm", 5)],
            _ => &[],
        };
        own.chain(older.iter().copied())
    }

    /// The variant as a number, with the default where none is written. `v9.2` counts as 9.
    fn level(&self) -> u32 {
        let default = match self.architecture.as_str() {
            "amd64" => 1,
            "arm64" => 8,
            _ => 0,
        };
        let Some(variant) = self.variant.as_deref() else {
            return default;
        };
        let digits = variant
            .trim_start_matches('v')
            .split('.')
            .next()
            .unwrap_or_default();
        // An unknown variant gets a number that no processor has, so that only its equal matches.
        digits
            .parse()
            .ok()
            .filter(|level| *level < 32)
            .unwrap_or(u32::MAX)
    }
}

/// The x86-64 microarchitecture level of the processor, above 1.
#[cfg(target_arch = "x86_64")]
fn amd64_level() -> Option<u32> {
    use std::is_x86_feature_detected as has;
    let v2 = has!("cmpxchg16b") && has!("popcnt") && has!("sse4.2") && has!("ssse3");
    let v3 = v2
        && has!("avx2")
        && has!("bmi1")
        && has!("bmi2")
        && has!("f16c")
        && has!("fma")
        && has!("lzcnt");
    let v4 = v3
        && has!("avx512f")
        && has!("avx512bw")
        && has!("avx512cd")
        && has!("avx512dq")
        && has!("avx512vl");
    match (v2, v3, v4) {
        (_, _, true) => Some(4),
        (_, true, _) => Some(3),
        (true, ..) => Some(2),
        _ => None,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn amd64_level() -> Option<u32> {
    None
}

impl FromStr for Platform {
    type Err = Error;

    /// Reads `os/architecture[/variant]`, or one of them alone.
    fn from_str(text: &str) -> Result<Self> {
        parse(text).map_err(|why| Error::Platform {
            text: text.to_owned(),
            why,
        })
    }
}

fn parse(text: &str) -> std::result::Result<Platform, PlatformFault> {
    const SYSTEMS: &[&str] = &["linux", "windows", "darwin", "macos", "freebsd"];
    const ARCHITECTURES: &[&str] = &[
        "386", "aarch64", "amd64", "arm", "arm64", "armel", "armhf", "i386", "loong64", "mips64le",
        "ppc64le", "riscv64", "s390x", "x86_64",
    ];
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let parts: Vec<&str> = text.split('/').collect();
    let is_name = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(allowed)
    };
    if let Some(bad) = parts.iter().find(|part| !is_name(part)) {
        return Err(PlatformFault::Part((*bad).to_owned()));
    }
    let platform = match parts[..] {
        [os] if SYSTEMS.contains(&os) => Platform::new(os, std::env::consts::ARCH),
        [architecture] if ARCHITECTURES.contains(&architecture) => {
            Platform::new("linux", architecture)
        }
        [word] => return Err(PlatformFault::Unknown(word.to_owned())),
        [os, architecture] => Platform::new(os, architecture),
        [os, architecture, variant] => Platform {
            variant: Some(variant.to_owned()),
            ..Platform::new(os, architecture)
        },
        _ => return Err(PlatformFault::Shape),
    };
    Ok(platform.normalized())
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_runs_what_it_is_and_what_came_before() {
        let check = |mine: &str, image: &str, expect: Option<usize>| {
            let (mine, image): (Platform, Platform) =
                (mine.parse().unwrap(), image.parse().unwrap());
            assert_eq!(mine.rank(&image), expect, "{image} on {mine}");
        };
        check("linux/amd64", "linux/amd64", Some(0));
        check("linux/amd64/v3", "linux/amd64/v3", Some(0));
        check("linux/amd64/v3", "linux/amd64", Some(2));
        check("linux/amd64", "linux/amd64/v3", None);
        check("linux/amd64", "linux/386", Some(1));
        check("linux/arm/v7", "linux/arm/v6", Some(1));
        check("linux/arm/v6", "linux/arm/v7", None);
        check("linux/arm", "linux/armhf", Some(0));
        check("linux/arm64", "linux/aarch64/v8", Some(0));
        check("linux/arm64", "linux/arm/v7", Some(2));
        check("linux/amd64", "windows/amd64", None);
        check("linux/riscv64", "linux/riscv64", Some(0));
        check("linux/amd64", "unknown/unknown", None);
        check("linux/amd64", "linux/amd64/v999999", None);
    }

    #[test]
    fn the_host_runs_its_own_architecture() {
        let host = Platform::host();
        assert!(host.runs_image(&Platform::new("linux", std::env::consts::ARCH)));
    }

    #[test]
    fn platforms_are_written_in_one_spelling() {
        let check = |text: &str, expect: &str| {
            assert_eq!(text.parse::<Platform>().unwrap().to_string(), expect);
        };
        check("linux/x86_64", "linux/amd64");
        check("arm64", "linux/arm64");
        check("linux/arm64/v8", "linux/arm64");
        check("Linux/ARM/7", "linux/arm/v7");
        for text in [
            "",
            "linux/",
            "a/b/c/d",
            "toaster",
            "linux/amd 64",
            "../../x",
        ] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }
}
