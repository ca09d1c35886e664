//! Sign-offs, one role after the other.

use alloc::collections::BTreeSet;

use jiff::Timestamp;

use super::*;

const ALL: [Role; 3] = [Role::Technical, Role::Fairness, Role::Compliance];

fn required(roles: &[Role]) -> BTreeSet<Role> {
    roles.iter().copied().collect()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_571_200 + second).unwrap()
}

fn signoff(role: Role, opinion: Opinion) -> Signoff {
    Signoff::new(role, opinion, "alice@example.com", "looks good", at(0)).unwrap()
}

#[test]
fn it_is_complete_when_every_required_role_approves() {
    let required = required(&ALL);
    let mut signoffs = Signoffs::default();
    assert_eq!(
        signoffs.standing(&required),
        Standing::Waiting(required.clone())
    );
    let mut missing = required.clone();
    for role in ALL {
        let recorded = signoffs.record(signoff(role, Opinion::Approves), &required);
        assert_eq!(recorded, Recorded::New);
        missing.remove(&role);
        let expected = if missing.is_empty() {
            Standing::Complete
        } else {
            Standing::Waiting(missing.clone())
        };
        assert_eq!(signoffs.standing(&required), expected);
    }
    assert_eq!(signoffs.iter().count(), 3);
    let stored = serde_json::to_string(&signoffs).unwrap();
    assert_eq!(serde_json::from_str::<Signoffs>(&stored).unwrap(), signoffs);
}

#[test]
fn a_rejection_by_any_role_rejects_and_stays() {
    for role in ALL {
        let required = required(&ALL);
        let mut signoffs = Signoffs::default();
        for other in ALL {
            signoffs.record(signoff(other, Opinion::Approves), &required);
        }
        let rejection =
            Signoff::new(role, Opinion::Rejects, "bob", "unfair to the young", at(9)).unwrap();
        let recorded = signoffs.record(rejection.clone(), &required);
        assert_eq!(recorded, Recorded::Withdrawn);
        let recorded = signoffs.record(signoff(role, Opinion::Approves), &required);
        assert_eq!(recorded, Recorded::AlreadySaid);
        assert_eq!(signoffs.standing(&required), Standing::Rejected(&rejection));
        // A policy that asks fewer roles does not forget it.
        assert_eq!(
            signoffs.standing(&BTreeSet::new()),
            Standing::Rejected(&rejection)
        );
    }
}

#[test]
fn a_role_that_is_not_asked_is_not_recorded() {
    let required = required(&[Role::Technical]);
    let mut signoffs = Signoffs::default();
    for opinion in [Opinion::Approves, Opinion::Rejects] {
        let recorded = signoffs.record(signoff(Role::Fairness, opinion), &required);
        assert_eq!(recorded, Recorded::NotRequired);
    }
    assert_eq!(signoffs, Signoffs::default());
}

#[test]
fn no_requirement_is_no_approval() {
    let signoffs = Signoffs::default();
    assert_eq!(signoffs.standing(&BTreeSet::new()), Standing::NoneRequired);
}

#[test]
fn the_first_approval_of_a_role_stays() {
    let required = required(&ALL);
    let mut signoffs = Signoffs::default();
    let first = signoff(Role::Technical, Opinion::Approves);
    signoffs.record(first.clone(), &required);
    let second = Signoff::new(Role::Technical, Opinion::Approves, "bob", "me too", at(5)).unwrap();
    assert_eq!(signoffs.record(second, &required), Recorded::AlreadySaid);
    assert_eq!(signoffs.iter().collect::<Vec<_>>(), [&first]);
}

#[test]
fn who_and_why_are_told_in_one_line_each() {
    let new =
        |who: &str, why: &str| Signoff::new(Role::Technical, Opinion::Approves, who, why, at(0));
    for who in ["", " ", "\n", "a".repeat(257).as_str()] {
        assert_eq!(new(who, "fine"), Err(InvalidSignoff::Who), "{who:?}");
    }
    for why in ["", "\t", "a".repeat(1_025).as_str()] {
        assert_eq!(new("alice", why), Err(InvalidSignoff::Why), "{why:?}");
    }
    assert!(new(&"a".repeat(256), &"ä".repeat(1_024)).is_ok());
    let signoff = new(" alice ", "line\u{2028}break\r\nand \u{202e}more").unwrap();
    assert_eq!(signoff.who(), "alice");
    assert_eq!(signoff.why(), "line break  and  more");
    assert_eq!(
        signoff.to_string(),
        "technical approved by alice at 2026-01-05T00:00:00Z: line break  and  more"
    );
}

#[test]
fn a_standing_says_what_is_missing() {
    let required = required(&ALL);
    let mut signoffs = Signoffs::default();
    signoffs.record(signoff(Role::Fairness, Opinion::Approves), &required);
    assert_eq!(
        signoffs.standing(&required).to_string(),
        "waiting for technical, compliance"
    );
}

proptest::proptest! {
    /// In whatever order and however often they come, the same sign-offs lead to the
    /// same standing, and it is the one that a set of opinions defines.
    #[test]
    fn the_order_of_signoffs_does_not_matter(
        words in proptest::collection::vec((0..3_usize, proptest::bool::ANY), 0..8),
        asked in proptest::collection::vec(proptest::bool::ANY, 3),
        turn in 0..8_usize,
    ) {
        let required: BTreeSet<Role> =
            ALL.into_iter().zip(&asked).filter(|(_, asked)| **asked).map(|(role, _)| role).collect();
        let standing = |words: &[(usize, bool)]| {
            let mut signoffs = Signoffs::default();
            for (role, approves) in words {
                let opinion = if *approves { Opinion::Approves } else { Opinion::Rejects };
                signoffs.record(signoff(ALL[*role], opinion), &required);
            }
            signoffs.standing(&required).to_string()
        };
        let mut turned = words.clone();
        turned.rotate_left(turn.min(words.len()));
        turned.extend(words.iter().copied().rev());
        let expected = standing(&words);
        // The first of several rejecting roles is named by role, not by time.
        proptest::prop_assert_eq!(standing(&turned), expected.clone());
        let relevant = || words.iter().filter(|(role, _)| required.contains(&ALL[*role]));
        let rejected = relevant().any(|(_, approves)| !approves);
        let spoken: BTreeSet<usize> = relevant().map(|(role, _)| *role).collect();
        let complete = !required.is_empty() && !rejected && spoken.len() == required.len();
        proptest::prop_assert_eq!(expected == "every required role has signed off", complete);
        proptest::prop_assert_eq!(expected.contains("rejected"), rejected);
    }
}
