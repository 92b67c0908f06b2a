use crate::Check;

macro_rules! codes {
    ($($name:ident $text:literal),* $(,)?) => {
        /// The checks, by the names that the `check` directive knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum CheckCode {
            $(#[doc = $text] $name,)*
        }

        impl CheckCode {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            fn template(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    StageNameCasing "write the stage name {name} in lower case",
    FromAsCasing "write {as} in the same case as {from}",
    NoEmptyContinuation "an empty line inside an instruction will be refused one day",
    ConsistentInstructionCasing "write {word} as {expected}, like the other instructions",
    DuplicateStageName "two stages are called {name}",
    ReservedStageName "{name} has a meaning of its own and is no name for a stage",
    JSONArgsRecommended "{keyword} in shell form does not pass signals on; write a list in brackets",
    MaintainerDeprecated "MAINTAINER is out of use; write a label",
    UndefinedArgInFrom "FROM uses the argument {name}, which is not declared before it",
    WorkdirRelativePath "WORKDIR {path} depends on where the base image left off; start with /",
    UndefinedVar "the variable {name} has no value here",
    MultipleInstructionsDisallowed "only the last {keyword} of a stage counts",
    LegacyKeyValueFormat "write {name}=value instead of {name} value",
    InvalidBaseImagePlatform "{image} is for {found} and not for {expected}",
    RedundantTargetPlatform "FROM builds for {platform} anyway",
    SecretsUsedInArgOrEnv "{name} looks like a secret, and {keyword} leaves it in the image",
    InvalidDefaultArgInFrom "with the defaults of its arguments, FROM {image} names no image",
    FromPlatformFlagConstDisallowed "FROM builds for {platform} whatever the build asks for",
    CopyIgnoredFile "{path} is left out by line {line} of .dockerignore: {rule}",
    InvalidDefinitionDescription "the comment above {name} should start with {name}",
    ExposeProtoCasing "write {port} in lower case",
    ExposeInvalidFormat "{port} says an address or a host port; EXPOSE only names ports of the container",
}

impl Check {
    /// What it says, in English.
    #[must_use]
    pub fn message(&self) -> String {
        let mut text = self.code.template().to_owned();
        for (name, value) in &self.parameters {
            text = text.replace(&format!("{{{name}}}"), &crate::error::quoted(value));
        }
        text
    }
}
