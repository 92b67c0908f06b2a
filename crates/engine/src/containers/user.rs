//! From `user[:group]` to numbers, by the container's own `/etc/passwd` and `/etc/group`.

use terrarium_api::{Error, ErrorCode};

use crate::{Result, error::quoted};

/// As whom a process runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Supplementary groups.
    pub(crate) groups: Vec<u32>,
    /// Where it is at home.
    pub(crate) home: String,
}

/// The texts of the two files; empty where a container has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Databases {
    pub(crate) passwd: String,
    pub(crate) group: String,
}

/// A line of `passwd(5)`.
struct User<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

/// A line of `group(5)`.
struct Group<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

impl Databases {
    /// Looks `wish` up (empty is root), and the additional groups `more`.
    ///
    /// A number needs no entry; if it has one, its group and home are taken from there. Without a
    /// group in the wish, the user's supplementary groups apply, as in Docker.
    ///
    /// # Errors
    /// `InvalidArgument` for a name without an entry.
    pub(crate) fn account(&self, wish: &str, more: &[String]) -> Result<Account> {
        let (user_wish, group_wish) = wish.split_once(':').unwrap_or((wish, ""));
        let user_wish = if user_wish.is_empty() { "0" } else { user_wish };
        let user = self.user(user_wish);
        let uid = match (&user, user_wish.parse()) {
            (Some(user), _) => user.uid,
            (None, Ok(uid)) => uid,
            (None, Err(_)) => return Err(missing("user", user_wish, "passwd")),
        };
        let mut groups = Vec::new();
        let gid = if group_wish.is_empty() {
            let name = user.as_ref().map_or("", |user| user.name);
            groups.extend(self.groups_of(name));
            user.as_ref().map_or(0, |user| user.gid)
        } else {
            self.gid(group_wish)?
        };
        for group in more {
            let gid = self.gid(group)?;
            if !groups.contains(&gid) {
                groups.push(gid);
            }
        }
        let home = user.as_ref().map_or("", |user| user.home);
        let home = if home.is_empty() {
            fallback_home(uid)
        } else {
            home
        };
        Ok(Account {
            uid,
            gid,
            groups,
            home: home.to_owned(),
        })
    }

    /// The numbers of `user[:group]` for files that are copied: without a group, it is the user's number.
    pub(crate) fn owner(&self, wish: &str) -> Result<(u32, u32)> {
        let account = self.account(wish, &[])?;
        let gid = if wish.contains(':') {
            account.gid
        } else {
            account.uid
        };
        Ok((account.uid, gid))
    }

    fn user(&self, wish: &str) -> Option<User<'_>> {
        let users = || self.passwd.lines().filter_map(User::parse);
        // A name of digits is looked up as a name first, as Docker does.
        users().find(|user| user.name == wish).or_else(|| {
            let uid: u32 = wish.parse().ok()?;
            users().find(|user| user.uid == uid)
        })
    }

    fn gid(&self, wish: &str) -> Result<u32> {
        let mut groups = self.group.lines().filter_map(Group::parse);
        let named = groups.find(|group| group.name == wish);
        match (named, wish.parse()) {
            (Some(group), _) => Ok(group.gid),
            (None, Ok(gid)) => Ok(gid),
            (None, Err(_)) => Err(missing("group", wish, "group")),
        }
    }

    fn groups_of<'a>(&'a self, user: &'a str) -> impl Iterator<Item = u32> + 'a {
        let groups = self.group.lines().filter_map(Group::parse);
        let has = move |group: &Group<'_>| {
            !user.is_empty() && group.members.split(',').any(|member| member == user)
        };
        groups.filter(has).map(|group| group.gid)
    }
}

fn fallback_home(uid: u32) -> &'static str {
    if uid == 0 { "/root" } else { "/" }
}

fn missing(kind: &str, name: &str, file: &str) -> Error {
    Error::new(
        ErrorCode::InvalidArgument,
        format!(
            "unable to find {kind} {}: no matching entries in {file} file",
            quoted(name)
        ),
    )
    .hint("use a number, or a name that the image has")
}

impl<'a> User<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        let home = fields.nth(1).unwrap_or_default();
        Some(Self {
            name,
            uid,
            gid,
            home,
        })
    }
}

impl<'a> Group<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let gid = fields.nth(1)?.parse().ok()?;
        let members = fields.next().unwrap_or_default();
        Some(Self { name, gid, members })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn databases() -> Databases {
        Databases {
            passwd: "root:x:0:0:root:/root:/bin/sh\nbroken\n\
                     ada:x:1000:100:Ada:/home/ada:/bin/sh\n33:x:7:8::/srv:\n"
                .into(),
            group: "root:x:0:\nbin:x:1:root,ada\nusers:x:100:\nwheel:x:10:ada\n".into(),
        }
    }

    #[test]
    fn users_and_groups_are_found_by_name_and_by_number() {
        let check = |wish: &str, uid: u32, gid: u32, groups: &[u32], home: &str| {
            let account = databases().account(wish, &[]).unwrap();
            let expect = Account {
                uid,
                gid,
                groups: groups.to_vec(),
                home: home.into(),
            };
            assert_eq!(account, expect, "{wish:?}");
        };
        check("", 0, 0, &[1], "/root");
        check("ada", 1000, 100, &[1, 10], "/home/ada");
        check("1000", 1000, 100, &[1, 10], "/home/ada");
        check("ada:wheel", 1000, 10, &[], "/home/ada");
        check(":users", 0, 100, &[], "/root");
        check("4321", 4321, 0, &[], "/");
        check("4321:9", 4321, 9, &[], "/");
        check("33", 7, 8, &[], "/srv");
    }

    #[test]
    fn an_image_without_the_files_knows_numbers_only() {
        let none = Databases::default();
        assert_eq!(none.account("5:6", &[]).unwrap().gid, 6);
        assert_eq!(none.account("", &[]).unwrap().home, "/root");
        assert_eq!(
            none.account("ada", &[]).unwrap_err().code,
            ErrorCode::InvalidArgument
        );
        assert!(none.account("0:wheel", &[]).is_err());
    }

    #[test]
    fn an_owner_without_a_group_gives_its_number_to_it() {
        assert_eq!(databases().owner("ada").unwrap(), (1000, 1000));
        assert_eq!(databases().owner("ada:users").unwrap(), (1000, 100));
        assert_eq!(databases().owner("7:8").unwrap(), (7, 8));
    }

    #[test]
    fn additional_groups_are_added_once() {
        let more = ["wheel".to_owned(), "1".to_owned(), "77".to_owned()];
        let account = databases().account("ada", &more).unwrap();
        assert_eq!(account.groups, [1, 10, 77]);
    }
}
