"""The template with one thing less, for everything that must not be missing."""

# Of resources of these types every property counts, down to the last element of a list.
WHOLE = {
    "AWS::CloudWatch::Alarm",
    "AWS::DynamoDB::Table",
    "AWS::Events::EventBusPolicy",
    "AWS::Events::Rule",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::Logs::LogGroup",
    "AWS::Pipes::Pipe",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::SageMaker::ModelPackageGroup",
    "AWS::Serverless::Function",
}
# What is for readers, or what CloudFormation would ask for at once.
FREE = {"Description", "Id", "PolicyName", "Sid", "Version"}


def without(template, way):
    """The template without what is at the end of the way. Only what is on the way is copied."""
    first, *rest = way
    if isinstance(template, list):
        less = list(template)
    else:
        less = dict(template)
    if rest:
        less[first] = without(template[first], rest)
    else:
        del less[first]
    return less


def parts(value, way):
    """The ways to all parts of a value. A function of CloudFormation's is taken as a whole,
    but what a condition chooses is looked into."""
    if isinstance(value, dict):
        (name, *others) = value or [""]
        if name == "Fn::If" and isinstance(value[name][1], dict):
            yield from parts(value[name][1], (*way, name, 1))
            return
        if not others and (name == "Ref" or name.startswith("Fn::")):
            return
        named = [(name, part) for name, part in value.items() if name not in FREE]
    else:
        named = list(enumerate(value)) if isinstance(value, list) else []
    for name, part in named:
        yield (*way, name)
        yield from parts(part, (*way, name))


def ways(template):
    """The way to everything that must not be missing."""
    if "Globals" in template:
        yield from parts(template["Globals"]["Function"], ("Globals", "Function"))
    for name, resource in template["Resources"].items():
        yield "Resources", name
        if resource["Type"] in WHOLE:
            for key in ("Condition", "DeletionPolicy", "UpdateReplacePolicy", "Metadata"):
                if key in resource:
                    yield "Resources", name, key
            yield from parts(resource["Properties"], ("Resources", name, "Properties"))
    for name in template["Outputs"]:
        yield "Outputs", name


def is_left_alone_by_sam(template, way):
    """Whether SAM takes the part as it is, so that the translated template can be changed."""
    if way[0] != "Resources":
        return False
    return not template["Resources"][way[1]]["Type"].startswith("AWS::Serverless::")
