//! The lane of a package.

use retrain_core::event::{Event, Told};
use retrain_core::facts::{GateEvidence, Lookups};
use retrain_core::gate::{Evidence, Opinion, Report, Role, Signoff};
use retrain_core::lane::Lane;
use retrain_core::order::OrderKind;
use retrain_core::package::{
    Origin, PackageApproval, PackageDescription, PackageStatus, UpdateAnswer,
};
use retrain_core::slot::Slot;

use super::deployment::{POLICY, described, package};
use super::{LATER, Row, World, ordered, start};

const PENDING: PackageApproval = PackageApproval::PendingManualApproval;
const APPROVED: PackageApproval = PackageApproval::Approved;
const REJECTED: PackageApproval = PackageApproval::Rejected;

fn seen(approval: PackageApproval) -> Event {
    Event::Package {
        description: Box::new(described(2, approval)),
        told: None,
    }
}

/// The registry says that it is approved; an event says that a person had rejected it,
/// in the moment of the controller's write.
fn covered_up() -> Event {
    Event::Package {
        description: Box::new(described(2, APPROVED)),
        told: Some(Told {
            approval: Some(REJECTED),
            at: start(),
        }),
    }
}

fn signoff() -> Event {
    let signoff = Signoff::new(
        Role::Technical,
        Opinion::Approves,
        "ana",
        "because",
        start(),
    );
    Event::SignOff(signoff.unwrap())
}

fn answered(number: u64, answer: UpdateAnswer) -> Event {
    Event::PackageWritten {
        number,
        attempt: 1,
        answer,
    }
}

fn written(number: u64) -> Event {
    let answer = UpdateAnswer::Written {
        read_at: start(),
        written_at: start(),
    };
    answered(number, answer)
}

/// One of every event, under a name for the document; answers are to this write.
pub(super) fn events(write: u64) -> Vec<(&'static str, Event)> {
    let what = || "what AWS said".to_owned();
    let in_progress = PackageDescription {
        status: PackageStatus::InProgress,
        ..described(2, PENDING)
    };
    let of = |description: PackageDescription| Event::Package {
        description: Box::new(description),
        told: None,
    };
    vec![
        ("it is not whole yet", of(in_progress)),
        ("it is pending", seen(PENDING)),
        ("it is approved", seen(APPROVED)),
        ("it is rejected", seen(REJECTED)),
        ("it is gone", of(PackageDescription::gone(package(2)))),
        ("it is approved, over a person's rejection", covered_up()),
        ("the last role signs off", signoff()),
        ("a person approves by request", ordered(OrderKind::Approve)),
        ("a person rejects by request", ordered(OrderKind::Reject)),
        ("the write is done", written(write)),
        (
            "somebody was faster than the write",
            answered(write, UpdateAnswer::Overtaken { approval: REJECTED }),
        ),
        (
            "the write is refused",
            answered(write, UpdateAnswer::Refused { what: what() }),
        ),
        (
            "the write is not answered",
            answered(
                write,
                UpdateAnswer::Unknown {
                    read_at: Some(start() + LATER),
                    what: what(),
                },
            ),
        ),
        (
            "an errand is done",
            Event::ErrandDone {
                number: 1,
                baseline: None,
            },
        ),
        ("time passes", Event::Tick),
        ("a person removes the policy", ordered(OrderKind::Retire)),
    ]
}

fn name(slot: &Slot) -> &'static str {
    let Some(review) = slot.review.as_deref() else {
        return "unknown";
    };
    let is_open = review
        .write
        .as_ref()
        .is_some_and(|write| write.resume_at.is_some());
    match (review.status, review.approval) {
        _ if review.contested.is_some() => "contested",
        _ if is_open => "writing",
        (PackageStatus::Deleting, _) => "gone",
        (_, REJECTED) => "rejected",
        (PackageStatus::Completed, APPROVED) => "approved",
        (PackageStatus::Completed, _) => "pending",
        (PackageStatus::InProgress | PackageStatus::Failed, _) => "not whole",
    }
}

/// What follows for each state and event.
pub(super) fn transitions() -> Vec<Row> {
    let report = br#"{"binary_classification_metrics": {"auc": {"value": 0.95}}}"#;
    let evidence = GateEvidence {
        candidate: Evidence {
            evaluation: Report::Read(report.to_vec()),
            ..Evidence::default()
        },
        champion: None,
    };
    let lookups = Lookups {
        evidence: Some(Box::new(evidence)),
        origin: Some(Origin::default()),
        ..Lookups::default()
    };
    let world = World::new(POLICY, &Lane::Package(package(2)), lookups);
    let unknown = Slot::new();
    let not_whole = world.after(
        &unknown,
        events(1).into_iter().map(|(_, event)| event).take(1),
    );
    let pending = world.after(&unknown, [seen(PENDING)]);
    let writing = world.after(&pending, [signoff()]);
    let approved = world.after(&writing, [written(1), seen(APPROVED)]);
    let rejected = world.after(&pending, [seen(REJECTED)]);
    let contested = world.after(&approved, [covered_up()]);
    world.meet(
        &[
            unknown, not_whole, pending, writing, approved, rejected, contested,
        ],
        |slot| {
            let writes = slot.review.as_ref().map_or(0, |review| review.writes);
            events(writes.max(1))
        },
        name,
    )
}
