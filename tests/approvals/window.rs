//! `UpdateModelPackage` has no condition: a person may decide at any moment around the
//! gate's read and write.

use jiff::SignedDuration;
use retrain_sandbox::sagemaker::ApprovalStatus::{self, Approved, Rejected};
use retrain_sandbox::sagemaker::PackageEvent;
use retrain_sandbox::{Fault, FaultKind, Service};
use serde_json::json;

use super::{MINUTE, Release};

/// When the person decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The gate has judged, and has not looked for the last time.
    BeforeRead,
    /// It has looked, and its write has no effect yet.
    BetweenReadAndWrite,
    /// The write has its effect, and nobody knows.
    BeforeAnswer,
    /// All is recorded, and nothing is deployed yet.
    AfterAnswer,
}

/// When the person's event arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// While the gate's worker is still at it.
    During,
    /// When it is through, before the event of its own write.
    BeforeEcho,
    /// After that.
    AfterEcho,
    /// Later, when time alone has repaired what the worker has left undone.
    Late,
    /// Never.
    Lost,
}

/// What becomes of the gate's worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worker {
    Lives,
    /// It dies, and what it has sent arrives.
    Dies,
    /// It dies, and what it has sent does not arrive.
    DiesUnheard,
}

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The package is `Approved`, and deployed once.
    Deployed,
    /// The package is `Rejected`, and never deployed.
    Refused,
    /// The package shows the gate's decision. The person's is known to be below it, and
    /// nothing is deployed before a person decides again.
    Contested,
}

/// What the gate and a person decide, and when; the end if the person's event arrives,
/// and if it is lost.
type Row = (ApprovalStatus, ApprovalStatus, End, End);

/// What was decided before the gate looked for the last time stands.
const BEFORE_READ: [Row; 4] = [
    (Approved, Approved, End::Deployed, End::Deployed),
    (Approved, Rejected, End::Refused, End::Refused),
    (Rejected, Approved, End::Deployed, End::Deployed),
    (Rejected, Rejected, End::Refused, End::Refused),
];

/// What the write covers up is known by its event only.
const BETWEEN: [Row; 4] = [
    (Approved, Approved, End::Deployed, End::Deployed),
    (Approved, Rejected, End::Contested, End::Deployed),
    (Rejected, Approved, End::Contested, End::Refused),
    (Rejected, Rejected, End::Refused, End::Refused),
];

/// What is decided after the write stands, whatever the worker knows of its write.
const BEFORE_ANSWER: [Row; 4] = BEFORE_READ;

/// Nor does it matter what the worker has recorded: the event of its own write is a
/// reason to look.
const AFTER_ANSWER: [Row; 4] = BEFORE_READ;

const NEWS: [News; 5] = [
    News::During,
    News::BeforeEcho,
    News::AfterEcho,
    News::Late,
    News::Lost,
];

/// The fault that lets the gate's worker wait at this moment.
fn hold(moment: Moment) -> Option<Fault> {
    let on = |operation, kind| Fault::on(Service::SageMaker, operation, kind);
    match moment {
        // The first description is the one that the gate judges.
        Moment::BeforeRead => Some(on("DescribeModelPackage", FaultKind::HoldBefore).skip(1)),
        Moment::BetweenReadAndWrite => Some(on("UpdateModelPackage", FaultKind::HoldBefore)),
        Moment::BeforeAnswer => Some(on("UpdateModelPackage", FaultKind::HoldAfter)),
        Moment::AfterAnswer => None,
    }
}

const fn auc(gate: ApprovalStatus) -> &'static str {
    match gate {
        Approved => "0.95",
        _ => "0.7",
    }
}

/// Takes the person's event out of what was announced.
fn theirs(mail: &mut Vec<PackageEvent>) -> Option<PackageEvent> {
    let is_theirs = |event: &PackageEvent| event.detail()["ApprovalDescription"] == "seen";
    let at = mail.iter().position(is_theirs)?;
    Some(mail.remove(at))
}

async fn deliver(release: &Release, mail: impl IntoIterator<Item = PackageEvent>) {
    for event in mail {
        release.hear(&event.eventbridge()).await.unwrap();
    }
}

/// Plays one history; the release and its package at the end.
async fn play(
    moment: Moment,
    gate: ApprovalStatus,
    person: ApprovalStatus,
    news: News,
    fate: Worker,
) -> (Release, String) {
    let release = Release::start().await;
    let package = release.register(auc(gate));
    let registered = release.mail().remove(0).eventbridge();
    let held = hold(moment).map(|fault| release.bench.inject(fault));
    let worker = release.hear_elsewhere(&registered);
    if let Some(held) = &held {
        held.held().await;
        release.decide(&package, person);
    }
    let mut mail = release.mail();
    if news == News::During {
        deliver(&release, theirs(&mut mail)).await;
    }
    match fate {
        Worker::Lives => {
            held.iter().for_each(retrain_sandbox::FaultHandle::release);
            worker.await.unwrap().unwrap();
        }
        Worker::Dies | Worker::DiesUnheard => {
            worker.abort();
            assert!(worker.await.unwrap_err().is_cancelled());
            let held = held.as_ref().unwrap();
            if fate == Worker::Dies {
                held.release();
            } else {
                held.discard();
            }
            arrived(&release, &package, moment, gate, fate).await;
        }
    }
    if held.is_none() {
        release.decide(&package, person);
    }
    mail.extend(release.mail());
    let news_of_person = theirs(&mut mail);
    match news {
        News::During | News::BeforeEcho => {
            deliver(&release, news_of_person.into_iter().chain(mail)).await;
        }
        News::AfterEcho => deliver(&release, mail.into_iter().chain(news_of_person)).await,
        News::Lost => deliver(&release, mail).await,
        News::Late => {
            // The events of the writes are later still, or lost.
            let wait = if fate == Worker::Lives {
                SignedDuration::from_secs(30)
            } else {
                MINUTE * 3
            };
            release.bench.wait(wait);
            release.bench.reconcile().await;
            deliver(&release, news_of_person).await;
        }
    }
    for _ in 0..5 {
        release.bench.wait(MINUTE * 3);
        release.bench.reconcile().await;
        release.deliver_all().await;
    }
    (release, package)
}

/// What a dead worker has sent arrives while nobody waits for it.
async fn arrived(
    release: &Release,
    package: &str,
    moment: Moment,
    gate: ApprovalStatus,
    fate: Worker,
) {
    if moment != Moment::BetweenReadAndWrite || fate != Worker::Dies {
        return;
    }
    while release.approval(package).0 != gate {
        tokio::task::yield_now().await;
    }
}

async fn end(release: &Release, package: &str) -> End {
    let outcomes = release.of_package(package).await;
    let contests = outcomes.iter().filter(|name| *name == "contested").count();
    let deployments = release.versions("staging");
    match (
        release.approval(package).0,
        deployments.as_slice(),
        contests,
    ) {
        (Approved, [2], 0) => End::Deployed,
        (Rejected, [], 0) => End::Refused,
        (Approved | Rejected, [], 1) => End::Contested,
        odd => panic!("{odd:?}: {outcomes:?}"),
    }
}

/// A person ends the contest, one way or the other.
async fn decide_again(release: &Release, package: &str, gate: ApprovalStatus) {
    assert_eq!(release.approval(package).0, gate);
    let approve = json!({
        "request": "approve", "model": "fraud-detection", "package_version": 2,
        "by": "ana", "why": "both were right",
    });
    release.ask(approve).await.unwrap();
    release.deliver_all().await;
    release.settle().await;
    assert_eq!(release.approval(package).0, Approved);
    assert_eq!(release.versions("staging"), [2]);
}

async fn enumerate(moment: Moment, rows: [Row; 4], fates: &[Worker]) {
    for (gate, person, heard, lost) in rows {
        for news in NEWS {
            for fate in fates {
                let shown = format!("{moment:?} {gate:?} {person:?} {news:?} {fate:?}");
                let (release, package) = play(moment, gate, person, news, *fate).await;
                let expected = match (moment, fate) {
                    // Nothing is written: what the person has decided stands.
                    (Moment::BetweenReadAndWrite, Worker::DiesUnheard) if person == Approved => {
                        End::Deployed
                    }
                    (Moment::BetweenReadAndWrite, Worker::DiesUnheard) => End::Refused,
                    _ if news == News::Lost => lost,
                    _ => heard,
                };
                let found = end(&release, &package).await;
                assert_eq!(found, expected, "{shown}");
                if found == End::Contested {
                    decide_again(&release, &package, gate).await;
                }
            }
        }
    }
}

const ALL: [Worker; 3] = [Worker::Lives, Worker::Dies, Worker::DiesUnheard];

#[tokio::test]
async fn what_was_decided_before_the_gate_looked_stands() {
    enumerate(Moment::BeforeRead, BEFORE_READ, &ALL).await;
}

#[tokio::test]
async fn what_the_gate_covers_up_is_contested() {
    enumerate(Moment::BetweenReadAndWrite, BETWEEN, &ALL).await;
}

#[tokio::test]
async fn what_was_decided_after_the_write_stands() {
    enumerate(Moment::BeforeAnswer, BEFORE_ANSWER, &ALL).await;
}

#[tokio::test]
async fn what_was_decided_after_the_answer_stands() {
    enumerate(Moment::AfterAnswer, AFTER_ANSWER, &[Worker::Lives]).await;
}

/// The person's rejection was on top of the gate's approval, and was seen there: when
/// the person comes round, that is no contest.
#[tokio::test]
async fn a_person_who_comes_round_is_believed() {
    for news in [News::During, News::AfterEcho, News::Late, News::Lost] {
        let moment = Moment::BeforeAnswer;
        let (release, package) = play(moment, Approved, Rejected, news, Worker::Lives).await;
        assert_eq!(end(&release, &package).await, End::Refused, "{news:?}");
        release.decide(&package, Approved);
        release.deliver_all().await;
        release.settle().await;
        assert_eq!(end(&release, &package).await, End::Deployed, "{news:?}");
    }
}
