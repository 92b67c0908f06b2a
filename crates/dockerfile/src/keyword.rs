use std::fmt;

macro_rules! keywords {
    ($($name:ident $text:literal),* $(,)?) => {
        /// The word that an instruction starts with.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Keyword {
            $(#[doc = $text] $name,)*
        }

        impl Keyword {
            /// All of them, as the reference lists them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// As it is written.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

keywords! {
    From "FROM", Run "RUN", Cmd "CMD", Label "LABEL", Maintainer "MAINTAINER", Expose "EXPOSE",
    Env "ENV", Add "ADD", Copy "COPY", Entrypoint "ENTRYPOINT", Volume "VOLUME", User "USER",
    Workdir "WORKDIR", Arg "ARG", Onbuild "ONBUILD", Stopsignal "STOPSIGNAL",
    Healthcheck "HEALTHCHECK", Shell "SHELL",
}

impl Keyword {
    /// The keyword that a word means, in any case.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        let same = |keyword: &&Self| keyword.as_str().eq_ignore_ascii_case(word);
        Self::ALL.iter().find(same).copied()
    }

    /// Whether lines after the instruction can be a document for it.
    #[must_use]
    pub fn takes_heredocs(self) -> bool {
        matches!(self, Self::Run | Self::Copy | Self::Add)
    }

    /// Whether it makes a layer; the others change settings only.
    #[must_use]
    pub fn makes_a_layer(self) -> bool {
        matches!(self, Self::Run | Self::Copy | Self::Add | Self::Workdir)
    }
}

impl fmt::Display for Keyword {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
