use retrain_core::lane::RETRAIN_TOKEN;
use retrain_core::names::CodePipelineName;
use retrain_sandbox::codepipeline::Pipeline;

use super::{Bench, PIPELINE};

#[tokio::test]
async fn what_a_pipeline_declares_is_told_with_what_may_be_left_out() {
    let bench = Bench::start().await;
    let release = Pipeline::new("release").variable("COMMIT");
    let sandbox = bench.sandbox.codepipeline();
    sandbox.create_pipeline(release).unwrap();
    let declared = async |name: &str| {
        let name = CodePipelineName::parse(name).unwrap();
        bench.codepipeline.declared(&name).await.unwrap()
    };
    let own = declared("release").await.unwrap();
    assert_eq!(
        own.arn,
        "arn:aws:codepipeline:us-east-1:111122223333:release"
    );
    assert!(own.is_v2);
    assert_eq!(own.variables, [("COMMIT".to_owned(), false)].into());
    assert!(declared(PIPELINE).await.unwrap().variables[RETRAIN_TOKEN]);
    assert_eq!(declared("none").await, None);
}
