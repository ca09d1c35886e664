use super::*;
use ExecutionStatus::{Cancelled, Failed, InProgress, Stopped, Stopping, Succeeded, Superseded};

#[test]
fn an_execution_that_waits_is_superseded_by_the_next() {
    let codepipeline = codepipeline(ExecutionMode::Superseded);
    let ids = started(&codepipeline, 3);
    assert_eq!(
        standing(&codepipeline),
        [
            (InProgress, 0, false),
            (Superseded, 0, true),
            (InProgress, 0, true)
        ]
    );
    // The first makes room, and is then in the way of the third.
    codepipeline.pass_stage(&ids[0]).unwrap();
    codepipeline.pass_stage(&ids[2]).unwrap();
    let fourth = codepipeline.start_by_hand("churn").unwrap();
    codepipeline.pass_stage(&fourth).unwrap();
    assert_eq!(
        standing(&codepipeline),
        [
            (InProgress, 1, false),
            (Superseded, 0, true),
            (Superseded, 1, true),
            (InProgress, 1, true),
        ]
    );
    codepipeline.finish(&ids[0], Failed, None).unwrap();
    assert_eq!(standing(&codepipeline)[3], (InProgress, 1, false));
    codepipeline.pass_stage(&fourth).unwrap();
    assert_eq!(standing(&codepipeline)[3], (Succeeded, 1, false));
}

#[test]
fn a_queue_keeps_its_order_and_loses_nobody() {
    let codepipeline = codepipeline(ExecutionMode::Queued);
    let ids = started(&codepipeline, 3);
    let waits = [
        (InProgress, 0, false),
        (InProgress, 0, true),
        (InProgress, 0, true),
    ];
    assert_eq!(standing(&codepipeline), waits);
    codepipeline.pass_stage(&ids[0]).unwrap();
    codepipeline.pass_stage(&ids[1]).unwrap();
    assert_eq!(
        standing(&codepipeline),
        [
            (InProgress, 1, false),
            (InProgress, 1, true),
            (InProgress, 0, false)
        ]
    );
    let waiting = codepipeline.pass_stage(&ids[1]);
    assert_eq!(waiting, Err(ControlError::Waits(ids[1].clone())));
}

#[test]
fn parallel_executions_do_not_wait_for_each_other() {
    let codepipeline = codepipeline(ExecutionMode::Parallel);
    started(&codepipeline, 3);
    assert_eq!(standing(&codepipeline), [(InProgress, 0, false); 3]);
}

#[test]
fn an_execution_runs_until_it_is_told_otherwise() {
    let codepipeline = codepipeline(ExecutionMode::Superseded);
    let id = started(&codepipeline, 1).remove(0);
    pass(&codepipeline, 1_000_000);
    assert_eq!(standing(&codepipeline)[0].0, InProgress);
    assert!(codepipeline.finish(&id, Stopping, None).is_err());
    codepipeline.finish(&id, Failed, Some("no")).unwrap();
    assert!(codepipeline.finish(&id, Succeeded, None).is_err());
    assert!(codepipeline.pass_stage(&id).is_err());
    codepipeline.retry_stage(&id).unwrap();
    assert_eq!(get(&codepipeline, &id).get("statusSummary"), None);
    assert_eq!(standing(&codepipeline), [(InProgress, 0, false)]);
    codepipeline.finish(&id, Superseded, None).unwrap();
    assert!(codepipeline.retry_stage(&id).is_err());
    assert!(codepipeline.finish("none", Failed, None).is_err());
}

#[test]
fn what_stops_ends_stopped_or_failed_and_holds_its_stage_until_then() {
    let codepipeline = codepipeline(ExecutionMode::Superseded);
    let ids = started(&codepipeline, 2);
    let stop = json!({"pipelineName": "churn", "pipelineExecutionId": ids[0]});
    codepipeline
        .perform("StopPipelineExecution", &stop)
        .unwrap();
    assert_eq!(
        standing(&codepipeline),
        [(Stopping, 0, false), (InProgress, 0, true)]
    );
    assert!(codepipeline.finish(&ids[0], Succeeded, None).is_err());
    codepipeline.finish(&ids[0], Stopped, None).unwrap();
    assert_eq!(
        standing(&codepipeline),
        [(Stopped, 0, false), (InProgress, 0, false)]
    );
}

#[test]
fn a_new_version_cancels_what_has_not_ended() {
    let codepipeline = codepipeline(ExecutionMode::Queued);
    let ids = started(&codepipeline, 3);
    codepipeline.finish(&ids[0], Succeeded, None).unwrap();
    codepipeline.update_pipeline(churn()).unwrap();
    let ended = standing(&codepipeline)
        .into_iter()
        .map(|(status, ..)| status);
    assert!(ended.eq([Succeeded, Cancelled, Cancelled]));
    assert!(codepipeline.executions()[2].actions.is_empty());
    let next = codepipeline.start_by_hand("churn").unwrap();
    assert_eq!(codepipeline.executions()[3].id, next);
    assert_eq!(codepipeline.executions()[3].pipeline_version, 2);
}

#[test]
fn pipelines_that_aws_does_not_have_are_not_created() {
    let codepipeline = codepipeline(ExecutionMode::Superseded);
    let v1 = |pipeline: Pipeline| Pipeline {
        pipeline_type: PipelineType::V1,
        ..pipeline
    };
    let source = || Stage::new("Source").action("S", ActionCategory::Source);
    let build = || Stage::new("Build").action("B", ActionCategory::Build);
    let p = || Pipeline::new("p");
    for bad in [
        v1(p().variable("Data")),
        v1(p().mode(ExecutionMode::Queued)),
        p().stages([source()]),
        p().stages([build(), source()]),
        p().stages([source(), source()]),
        p().stages([source(), Stage::new("Empty")]),
        (0..51).fold(p(), |pipeline, n| pipeline.variable(&format!("V{n}"))),
        Pipeline::new("churn"),
    ] {
        let shown = format!("{bad:?}");
        assert!(codepipeline.create_pipeline(bad).is_err(), "{shown}");
    }
    assert!(codepipeline.create_pipeline(v1(p())).is_ok());
    assert!(
        codepipeline
            .update_pipeline(Pipeline::new("other"))
            .is_err()
    );
}
