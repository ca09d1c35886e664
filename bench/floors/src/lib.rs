//! Calls on AWS as data: read once, sent as often as one likes.

mod dynamodb;

use aws_config::SdkConfig;
use lambda_runtime::Error;
use serde::Deserialize;
use serde_json::Value;

/// The clients of the services that the controller's functions call.
#[derive(Debug)]
pub struct Clients {
    dynamodb: aws_sdk_dynamodb::Client,
    s3: aws_sdk_s3::Client,
    sagemaker: aws_sdk_sagemaker::Client,
    ssm: aws_sdk_ssm::Client,
}

impl Clients {
    /// Clients for this configuration.
    pub fn new(aws: &SdkConfig) -> Self {
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(aws),
            s3: aws_sdk_s3::Client::new(aws),
            sagemaker: aws_sdk_sagemaker::Client::new(aws),
            ssm: aws_sdk_ssm::Client::new(aws),
        }
    }
}

/// One call.
#[derive(Clone, Debug, Deserialize)]
pub struct Call {
    /// The operation as AWS names it.
    pub operation: String,
    /// The request's members.
    pub request: Value,
}

impl Call {
    fn text(&self, member: &str) -> Option<String> {
        self.request[member].as_str().map(str::to_owned)
    }

    fn number(&self, member: &str) -> Option<i32> {
        self.request[member].as_i64()?.try_into().ok()
    }

    /// Makes the call.
    pub async fn send(&self, clients: &Clients) -> Result<(), Error> {
        match self.operation.as_str() {
            "BatchGetItem" => self.batch_get_item(clients).await,
            "TransactWriteItems" => self.transact_write_items(clients).await,
            "Query" => self.query(clients).await,
            "HeadObject" => self.head_object(clients).await,
            "GetParameter" => self.get_parameter(clients).await,
            "GetParametersByPath" => self.get_parameters_by_path(clients).await,
            "DescribeModelPackage" => self.describe_model_package(clients).await,
            "DescribePipelineExecution" => self.describe_pipeline_execution(clients).await,
            "ListModelPackages" => self.list_model_packages(clients).await,
            "ListPipelineExecutionSteps" => self.list_steps(clients).await,
            "StartPipelineExecution" => self.start_pipeline_execution(clients).await,
            other => Err(format!("no floor knows the operation {other}").into()),
        }
    }

    async fn head_object(&self, clients: &Clients) -> Result<(), Error> {
        let call = clients.s3.head_object();
        let call = call
            .set_bucket(self.text("Bucket"))
            .set_key(self.text("Key"));
        call.set_version_id(self.text("VersionId")).send().await?;
        Ok(())
    }

    async fn get_parameter(&self, clients: &Clients) -> Result<(), Error> {
        let call = clients.ssm.get_parameter().set_name(self.text("Name"));
        call.with_decryption(true).send().await?;
        Ok(())
    }

    async fn get_parameters_by_path(&self, clients: &Clients) -> Result<(), Error> {
        let call = clients.ssm.get_parameters_by_path();
        let call = call
            .set_path(self.text("Path"))
            .set_next_token(self.text("NextToken"));
        call.with_decryption(true).max_results(10).send().await?;
        Ok(())
    }

    async fn describe_model_package(&self, clients: &Clients) -> Result<(), Error> {
        let call = clients.sagemaker.describe_model_package();
        let name = self.text("ModelPackageName");
        call.set_model_package_name(name).send().await?;
        Ok(())
    }

    async fn describe_pipeline_execution(&self, clients: &Clients) -> Result<(), Error> {
        let call = clients.sagemaker.describe_pipeline_execution();
        let arn = self.text("PipelineExecutionArn");
        call.set_pipeline_execution_arn(arn).send().await?;
        Ok(())
    }

    async fn list_model_packages(&self, clients: &Clients) -> Result<(), Error> {
        let call = clients.sagemaker.list_model_packages();
        let call = call.set_model_package_group_name(self.text("ModelPackageGroupName"));
        let status = self.text("ModelApprovalStatus");
        let call = call.set_model_approval_status(status.as_deref().map(Into::into));
        call.set_max_results(self.number("MaxResults"))
            .send()
            .await?;
        Ok(())
    }

    async fn list_steps(&self, clients: &Clients) -> Result<(), Error> {
        let call = clients.sagemaker.list_pipeline_execution_steps();
        let arn = self.text("PipelineExecutionArn");
        let call = call.set_pipeline_execution_arn(arn);
        call.set_max_results(self.number("MaxResults"))
            .send()
            .await?;
        Ok(())
    }

    async fn start_pipeline_execution(&self, clients: &Clients) -> Result<(), Error> {
        use aws_sdk_sagemaker::types::Parameter;
        let parameters = self.request["PipelineParameters"].as_array();
        let parameters = parameters.into_iter().flatten().map(|parameter| {
            let text = |member: &str| parameter[member].as_str().map(str::to_owned);
            let builder = Parameter::builder().set_name(text("Name"));
            builder.set_value(text("Value")).build()
        });
        let call = clients.sagemaker.start_pipeline_execution();
        call.set_pipeline_name(self.text("PipelineName"))
            .set_pipeline_execution_display_name(self.text("PipelineExecutionDisplayName"))
            .set_pipeline_execution_description(self.text("PipelineExecutionDescription"))
            .set_client_request_token(self.text("ClientRequestToken"))
            .set_pipeline_parameters(Some(parameters.collect()))
            .send()
            .await?;
        Ok(())
    }
}
