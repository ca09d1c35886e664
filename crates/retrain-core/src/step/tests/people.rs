//! What people say about a package, to the controller and in the registry.

use super::release::*;
use super::*;
use crate::gate::{Opinion, Role, Signoff};
use crate::package::{LifeCycle, Origin, PackageApproval, PackageDescription, PackageStatus};

fn signoff(role: Role, opinion: Opinion) -> Event {
    Event::SignOff(Signoff::new(role, opinion, "eve", "read it all", at(0)).unwrap())
}

const ROLES: [Role; 3] = [Role::Technical, Role::Fairness, Role::Compliance];

/// The lane of package 2 under a gate that asks three roles.
fn with_roles(candidate: &str) -> Model {
    let policy = POLICY.replacen(
        r#""conditions""#,
        r#""required_signoffs": ["technical", "fairness", "compliance"], "conditions""#,
        1,
    );
    looked_at(Model::of_policy(&policy, &lane(2)), candidate)
}

/// What is being written, if anything is.
fn writes(outcome: &Outcome, commands: &[Command]) -> Option<PackageApproval> {
    let write = commands.iter().find_map(|command| match command {
        Command::UpdatePackage(write) => Some(write),
        _ => None,
    })?;
    assert!(matches!(
        outcome.name(),
        "signed_off" | "writing" | "awaits_person"
    ));
    Some(write.update.approval.as_ref()?.approval)
}

#[test]
fn the_decision_is_written_when_all_roles_have_signed_in_any_order() {
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        // The gate looks before, between or after them.
        for looks_after in 0..=3 {
            let mut model = with_roles("0.95");
            let mut written = vec![];
            for (nth, role) in order.into_iter().enumerate() {
                if nth == looks_after {
                    let (outcome, commands) = model.take(&seen(2, Pending), 10);
                    written.extend(writes(&outcome, &commands));
                }
                let event = signoff(ROLES[role], Opinion::Approves);
                let (outcome, commands) = model.take(&event, 20);
                assert_eq!(outcome.name(), "signed_off");
                written.extend(writes(&outcome, &commands));
                assert_eq!(model.outcome(&event, 21), "not_taken", "once is enough");
            }
            if looks_after == 3 {
                let (outcome, commands) = model.take(&seen(2, Pending), 30);
                written.extend(writes(&outcome, &commands));
            }
            assert_eq!(written, [Approved], "{order:?} {looks_after}");
        }
    }
}

#[test]
fn one_role_rejects_for_all() {
    let mut model = with_roles("0.95");
    let (outcome, commands) = model.take(&seen(2, Pending), 0);
    let Outcome::AwaitsPerson { why, .. } = &outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(why, "waiting for technical, fairness, compliance");
    assert_eq!(commands, []);
    model.take(&signoff(Role::Technical, Opinion::Approves), 1);
    let (outcome, commands) = model.take(&signoff(Role::Fairness, Opinion::Rejects), 2);
    assert_eq!(writes(&outcome, &commands), Some(Rejected));
}

#[test]
fn the_gates_no_needs_no_signature() {
    let mut model = with_roles("0.7");
    let (outcome, commands) = model.take(&seen(2, Pending), 0);
    assert_eq!(writes(&outcome, &commands), Some(Rejected));
}

#[test]
fn signatures_approve_what_the_gate_leaves_to_people() {
    let mut model = with_roles("0.9");
    model.take(&seen(2, Pending), 0);
    for role in ROLES {
        let (outcome, commands) = model.take(&signoff(role, Opinion::Approves), 1);
        let expected = (role == Role::Compliance).then_some(Approved);
        assert_eq!(writes(&outcome, &commands), expected);
    }
}

#[test]
fn what_is_signed_while_pins_are_written_is_not_forgotten() {
    let mut model = with_roles("0.95");
    model.lookups.as_mut().unwrap().origin = Some(Origin {
        policy_version: Some(3),
        ..Origin::default()
    });
    let (outcome, commands) = model.take(&seen(2, Pending), 0);
    assert_eq!(outcome.name(), "awaits_person");
    assert_eq!(commands.len(), 1, "the pins are written");
    for role in ROLES {
        let (outcome, commands) = model.take(&signoff(role, Opinion::Approves), 1);
        let expected = (role == Role::Compliance).then_some(Approved);
        assert_eq!(writes(&outcome, &commands), expected);
    }
    let write = model.slot.review.as_ref().unwrap().write.as_ref().unwrap();
    assert_eq!(write.update.metadata.len(), 1, "the pins are taken along");
    assert_eq!(model.outcome(&wrote(1, 1, 0, 2), 2), "unchanged");
    assert_eq!(model.outcome(&wrote(2, 1, 2, 3), 3), "wrote");
    // Whoever withdraws an approval meanwhile is told that it is too late.
    let mut model = with_roles("0.95");
    model.take(&seen(2, Pending), 0);
    for role in ROLES {
        model.take(&signoff(role, Opinion::Approves), 1);
    }
    let late = signoff(Role::Fairness, Opinion::Rejects);
    assert_eq!(model.outcome(&late, 2), "not_taken");
}

#[test]
fn signatures_that_nobody_asks_for_are_not_taken() {
    let mut model = review("0.9");
    let event = signoff(Role::Technical, Opinion::Approves);
    assert_eq!(model.outcome(&event, 0), "not_taken");
    let gate =
        r#""gate": {"conditions": [{"metric": "auc", "at_least": 0.9, "borderline": 0.01}]},"#;
    let mut model = Model::of_policy(&POLICY.replacen(gate, "", 1), &lane(2));
    assert_eq!(model.outcome(&event, 0), "not_taken");
    let mut model = with_roles("0.95");
    model.take(&seen(2, Rejected), 0);
    assert_eq!(model.outcome(&event, 1), "not_taken", "it is decided");
}

#[test]
fn an_observing_policy_takes_signatures_and_writes_nothing() {
    let mut model = with_roles("0.95");
    model.policy.policy.mode = crate::policy::Mode::Observe;
    model.take(&seen(2, Pending), 0);
    for role in ROLES {
        let (outcome, commands) = model.take(&signoff(role, Opinion::Approves), 1);
        assert_eq!((outcome.name(), commands.len()), ("signed_off", 0));
    }
}

#[test]
fn a_person_decides_through_the_controller_over_what_shows() {
    for (shows, approve, expected) in [
        (Pending, true, Some((Approved, Pending))),
        (Pending, false, Some((Rejected, Pending))),
        (Approved, false, Some((Rejected, Approved))),
        (Rejected, true, Some((Approved, Rejected))),
        (Approved, true, None),
        (Rejected, false, None),
    ] {
        let mut model = review("0.9");
        model.take(&seen(2, shows), 0);
        let (outcome, _) = model.take(&decided(approve), 10);
        let found = match outcome {
            Outcome::Writing { write, verdict } => {
                assert_eq!(verdict, None);
                let decision = write.update.approval.unwrap();
                let text = decision.description.to_string();
                assert!(
                    text.starts_with("ana ") && text.ends_with("I have tried it"),
                    "{text}"
                );
                Some((decision.approval, decision.over))
            }
            other => {
                assert_eq!(other.name(), "not_taken");
                None
            }
        };
        assert_eq!(found, expected, "{shows} {approve}");
    }
}

#[test]
fn a_persons_decision_is_not_taken_where_it_cannot_stand() {
    // Of a package that is not known, or not whole.
    assert_eq!(review("0.9").outcome(&decided(true), 0), "not_taken");
    let mut model = review("0.9");
    let failed = PackageDescription {
        status: PackageStatus::Failed,
        ..described(2, Pending)
    };
    model.take(&shown(failed), 0);
    assert_eq!(model.outcome(&decided(true), 1), "not_taken");
    // While another decision is being written.
    let mut model = review("0.95");
    model.take(&seen(2, Pending), 0);
    assert_eq!(model.outcome(&decided(false), 1), "not_taken");
    // One person for three roles; but one may always reject.
    let mut model = with_roles("0.95");
    model.take(&seen(2, Pending), 0);
    assert_eq!(model.outcome(&decided(true), 1), "not_taken");
    assert_eq!(model.outcome(&decided(false), 2), "writing");
}

fn staged(stage: &str, status: &str, modified: i64) -> Event {
    shown(PackageDescription {
        life_cycle: Some(LifeCycle {
            stage: stage.into(),
            status: status.into(),
            description: Some("the board agrees".into()),
        }),
        modified_at: Some(at(modified)),
        ..described(2, Approved)
    })
}

#[test]
fn a_stage_that_is_named_like_an_environment_promotes_to_it() {
    let mut model = review("0.9");
    model.take(&seen(2, Approved), 0);
    assert_eq!(
        model.outcome(&staged("Production", "PendingApproval", 9), 10),
        "unchanged"
    );
    assert_eq!(
        model.outcome(&staged("Archive", "Approved", 11), 12),
        "unchanged"
    );
    let (outcome, commands) = model.take(&staged("Production", "Approved", 13), 14);
    assert_eq!((outcome.name(), commands.len()), ("approved", 1));
    let Command::Errand(errand) = &commands[0] else {
        panic!()
    };
    assert_eq!(
        errand.task.to_string(),
        "tell deploy#production of package 2 was asked for by \"ModelLifeCycle\": \"the board agrees\" at 2026-01-05T00:00:14Z"
    );
    assert_eq!(
        model.outcome(&staged("Production", "Approved", 13), 15),
        "unchanged"
    );
}

#[test]
fn a_stage_promotes_nothing_that_is_not_approved() {
    let mut model = review("0.9");
    model.take(&seen(2, Pending), 0);
    let mut found = described(2, Pending);
    found.life_cycle = Some(LifeCycle {
        stage: "production".into(),
        status: "Approved".into(),
        description: None,
    });
    model.take(&shown(found), 1);
    assert_eq!(model.errands(), [""; 0]);
    // Nor what is contested.
    let mut model = review("0.95");
    model.take(&seen(2, Pending), 0);
    model.take(&wrote(1, 1, 1, 3), 4);
    model.take(&heard(2, Approved, Rejected, 2), 5);
    let before = model.errands();
    model.take(&staged("production", "Approved", 6), 7);
    assert_eq!(model.errands(), before);
}

#[test]
fn a_stage_promotes_again_after_a_contest_is_over() {
    let mut model = review("0.95");
    model.take(&seen(2, Pending), 0);
    model.take(&wrote(1, 1, 1, 3), 4);
    model.take(&heard(2, Approved, Rejected, 2), 5);
    model.take(&seen(2, Rejected), 100);
    assert_eq!(model.outcome(&seen(2, Approved), 200), "approved");
    assert_eq!(
        model.outcome(&staged("production", "Approved", 300), 301),
        "approved"
    );
}
