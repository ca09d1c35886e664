//! What a decision must know, looked up.

use jiff::Timestamp;
use retrain_core::data::Tally;
use retrain_core::execution::Execution;
use retrain_core::facts::{
    FactsNeeded, GateEvidence, Lookup, Lookups, ManifestWanted, ReviewNeeded,
};
use retrain_core::gate::{Evidence, Report};
use retrain_core::lane::{Lane, SlotKey};
use retrain_core::names::{ModelPackageArn, ModelPackageGroupName};
use retrain_core::package::{Origin, PackageApproval, PackageDescription};
use retrain_core::token::ClientRequestToken;

use crate::controller::Controller;
use crate::error::{Class, PortError, chain};
use crate::ports::{
    Alarms, Executions, Manifests, Monitoring, Packages, Parameters, Registry, Reports, SlotStore,
    Wanted,
};

impl<S, E, R, P, A, M> Controller<S, E, R, P, A, M>
where
    S: SlotStore,
    E: Executions,
    R: Registry + Packages + Monitoring,
    P: Parameters,
    A: Alarms,
    M: Manifests + Reports,
{
    /// Looks up what a decision must know.
    pub(crate) async fn look_up(
        &self,
        slot: &SlotKey,
        needed: &FactsNeeded,
        now: Timestamp,
    ) -> Result<Lookups, PortError> {
        let uri = async {
            match &needed.training_data_uri {
                Some(name) => found(self.parameters.parameter(name, now).await),
                None => Ok(Lookup::Absent),
            }
        };
        let baseline = async {
            match &needed.baseline {
                Some(group) => found(self.registry.newest_approved(group).await),
                None => Ok(Lookup::Absent),
            }
        };
        let manifest = async {
            match &needed.manifest {
                Some(wanted) => found(self.manifest(slot, wanted).await.map(Some)),
                None => Ok(Lookup::Absent),
            }
        };
        let in_alarm = async {
            match needed.alarms.as_slice() {
                [] => Ok(Lookup::Absent),
                alarms => found(self.alarms.in_alarm(alarms).await.map(Some)),
            }
        };
        let last_run = async {
            match &needed.last_run {
                None => Ok(Lookup::Absent),
                Some(execution) => {
                    let report = self.executions.describe(execution).await;
                    found(report.map(|report| Some(report.status)))
                }
            }
        };
        let packages = async {
            match needed.packages.as_slice() {
                [] => Ok(Lookup::Absent),
                packages => found(self.packages(slot, packages, now).await.map(Some)),
            }
        };
        let review = async {
            match needed.review.as_deref() {
                Some(review) => self.review(slot, review, now).await,
                None => Ok((None, None)),
            }
        };
        let (training_data_uri, baseline, manifest_uri, in_alarm, last_run, packages, review) = tokio::try_join!(
            uri, baseline, manifest, in_alarm, last_run, packages, review
        )?;
        let (evidence, origin) = review;
        Ok(Lookups {
            training_data_uri,
            baseline,
            manifest_uri,
            in_alarm,
            last_run,
            packages,
            evidence,
            origin,
        })
    }

    /// Writes the manifest of the data that a claim is about to take. The claim is
    /// refused if the slot has changed since, so what is listed is what is taken.
    async fn manifest(&self, slot: &SlotKey, wanted: &ManifestWanted) -> Result<String, PortError> {
        let mut objects = self.store.objects(slot, wanted.generations).await?;
        let listed = objects.iter().fold(Tally::default(), |sum, object| {
            sum.plus(object.version.tally())
        });
        if listed != wanted.tally {
            let source = format!("the index shows {listed}, the slot has {}", wanted.tally);
            return Err(PortError::retryable("list the objects of a start", source));
        }
        objects.retain(|object| object.version.uncounted.is_none());
        objects.sort_by(|a, b| {
            (&a.version.bucket, &a.version.key).cmp(&(&b.version.bucket, &b.version.key))
        });
        self.documents.write(wanted, &objects).await
    }

    /// Those of the packages that exist, as the environments shall see them. One that
    /// cannot be described for good does not hide the others.
    async fn packages(
        &self,
        slot: &SlotKey,
        packages: &[ModelPackageArn],
        now: Timestamp,
    ) -> Result<Vec<PackageDescription>, PortError> {
        let mut found = Vec::new();
        for package in packages {
            let described = match self.registry.describe_package(package).await {
                Err(error) if error.class() == Class::Terminal && packages.len() > 1 => continue,
                described => described?,
            };
            let Some(mut described) = described else {
                continue;
            };
            if described.is_deployable() && self.is_contested(slot, &described, now).await? {
                // Nobody has decided about it in the end, whatever the registry shows.
                described.approval = PackageApproval::PendingManualApproval;
            }
            found.push(described);
        }
        Ok(found)
    }

    /// Whether a person's decision about the package was covered up. Only its own slot
    /// knows.
    async fn is_contested(
        &self,
        slot: &SlotKey,
        described: &PackageDescription,
        now: Timestamp,
    ) -> Result<bool, PortError> {
        let lane = Lane::Package(described.package.clone());
        let own = SlotKey::new(slot.model.clone(), lane);
        let known = self.store.load(Wanted::slot(&own), now).await?.slot.review;
        Ok(known.is_some_and(|review| review.contested.is_some()))
    }

    /// What the gate looks at, and where the package comes from.
    async fn review(
        &self,
        slot: &SlotKey,
        needed: &ReviewNeeded,
        now: Timestamp,
    ) -> Result<(Option<Box<GateEvidence>>, Option<Origin>), PortError> {
        let evidence = match &needed.champion_of {
            None => None,
            Some(group) => Some(Box::new(GateEvidence {
                candidate: self.evidence(&needed.package).await?,
                champion: self.champion(group).await?,
            })),
        };
        let origin = if needed.origin {
            Some(self.origin(slot, &needed.package, now).await?)
        } else {
            None
        };
        Ok((evidence, origin))
    }

    /// What the package that is approved now shows of itself.
    async fn champion(&self, group: &ModelPackageGroupName) -> Result<Option<Evidence>, PortError> {
        let described = async {
            match self.registry.newest_approved(group).await? {
                Some(champion) => self.registry.describe_package(&champion).await,
                None => Ok(None),
            }
        };
        match found(described.await)? {
            Lookup::Found(champion) => self.evidence(&champion).await.map(Some),
            Lookup::Absent => Ok(None),
            // There may be one: whatever is compared with it is unknown.
            Lookup::Unreadable(why) => Ok(Some(unreadable(&why))),
        }
    }

    async fn evidence(&self, package: &PackageDescription) -> Result<Evidence, PortError> {
        let read = async |uri: &Option<String>| match uri {
            Some(uri) => self.documents.report(uri).await,
            None => Ok(Report::Absent),
        };
        let reports = &package.reports;
        Ok(Evidence {
            evaluation: read(&reports.evaluation).await?,
            bias: read(&reports.bias).await?,
            pre_training_bias: read(&reports.pre_training_bias).await?,
            post_training_bias: read(&reports.post_training_bias).await?,
            explainability: read(&reports.explainability).await?,
            metadata: package.metadata.clone(),
        })
    }

    /// Where a package comes from, as far as the execution that has registered it tells.
    /// A package that cannot be traced is still a package.
    async fn origin(
        &self,
        slot: &SlotKey,
        package: &PackageDescription,
        now: Timestamp,
    ) -> Result<Origin, PortError> {
        let Some(arn) = &package.generated_by else {
            return Ok(Origin::default());
        };
        let execution = Execution::from(arn.clone());
        let report = found(self.executions.describe(&execution).await.map(Some))?;
        let name = report
            .found()
            .and_then(|report| report.display_name.as_deref());
        let token = name.and_then(ClientRequestToken::of_display_name);
        let policy_version = match &token {
            Some(token) => {
                let retrain = SlotKey::retrain(slot.model.clone());
                let loaded = self.store.load(Wanted::slot(&retrain), now).await?;
                loaded.slot.policy_version_of(token)
            }
            None => None,
        };
        let parameters = found(self.registry.execution_parameters(arn).await.map(Some))?;
        Ok(Origin {
            token: token.map(|token| token.to_string()),
            policy_version,
            parameters: parameters.found().cloned().unwrap_or_default(),
        })
    }
}

/// Evidence that is there and cannot be had.
fn unreadable(why: &str) -> Evidence {
    let report = || Report::Unreadable(why.to_owned());
    Evidence {
        evaluation: report(),
        bias: report(),
        pre_training_bias: report(),
        post_training_bias: report(),
        explainability: report(),
        ..Evidence::default()
    }
}

/// What a look-up found. One that can never work is an answer too: the trigger is
/// held as misconfigured, which a dead-letter queue would not do for it.
fn found<T>(answer: Result<Option<T>, PortError>) -> Result<Lookup<T>, PortError> {
    match answer {
        Ok(value) => Ok(value.into()),
        Err(error) if error.class() == Class::Terminal => Ok(Lookup::Unreadable(chain(&error))),
        Err(error) => Err(error),
    }
}
