"""The operations that the sandbox answers: each is called by a conformance rule, a reader or a test.

Every other is refused before moto sees it: moto answers much that it has no idea of, and what it has not got at all
with 500, which boto3 tries three times. To add one, write a rule that cites AWS's document (tests/sandbox/outside),
then name it here.
"""

from __future__ import annotations

from ops_lib.sandbox import refusals
from ops_lib.sandbox.refusals import Refused

# fmt: off
CHECKED: dict[str, str] = {
    "sqs":
        "CancelMessageMoveTask ChangeMessageVisibility ChangeMessageVisibilityBatch CreateQueue DeleteMessage "
        "DeleteMessageBatch DeleteQueue GetQueueAttributes GetQueueUrl ListDeadLetterSourceQueues ListMessageMoveTasks "
        "ListQueues PurgeQueue ReceiveMessage SendMessage SendMessageBatch SetQueueAttributes StartMessageMoveTask",
    "dynamodb":
        "BatchWriteItem CreateTable DeleteItem DeleteTable DescribeTable DescribeTimeToLive GetItem ListTables "
        "PutItem Query Scan TransactWriteItems UpdateItem",
    "logs":
        "CreateLogGroup CreateLogStream DescribeLogGroups DescribeLogStreams FilterLogEvents GetLogEvents "
        "GetQueryResults PutLogEvents StartQuery StopQuery",
    "cloudwatch":
        "DescribeAlarms GetMetricData GetMetricStatistics ListMetrics PutMetricData",
    "ecs":
        "CreateCluster DescribeClusters DescribeServices DescribeTaskDefinition DescribeTasks ListServices ListTasks "
        "RegisterTaskDefinition RunTask StopTask UpdateService",
    "application-autoscaling":
        "DescribeScalableTargets DescribeScalingActivities DescribeScalingPolicies RegisterScalableTarget",
    "sagemaker":
        "CreateEndpoint CreateEndpointConfig CreateModel DeleteEndpoint DeleteEndpointConfig DeleteModel "
        "DescribeEndpoint DescribeEndpointConfig DescribeModel ListEndpointConfigs ListEndpoints ListModels ListTags "
        "UpdateEndpoint "
        "UpdateEndpointWeightsAndCapacities",
    "sagemaker-runtime":
        "InvokeEndpointAsync",
    "ecr":
        "BatchDeleteImage DescribeImages PutImage",
    "codebuild":
        "BatchGetBuilds ListBuildsForProject",
    "s3":
        "CopyObject CreateBucket DeleteObject GetBucketLifecycleConfiguration GetBucketLocation "
        "GetBucketNotificationConfiguration GetBucketVersioning GetObject HeadBucket HeadObject ListBuckets "
        "ListObjectsV2 PutBucketNotificationConfiguration PutObject",
    "sns":
        "CreateTopic Publish Subscribe",
    "service-quotas":
        "ListServiceQuotas",
    "sts":
        "AssumeRole GetCallerIdentity",
    "iam":
        "SimulatePrincipalPolicy",
}
# fmt: on
OPERATIONS = frozenset(f"{service}:{name}" for service, names in CHECKED.items() for name in names.split())


def require_checked(operation: str) -> None:
    """Raise Refused for an operation that nobody has checked: a client's error, so that boto3 does not try again."""
    if operation not in OPERATIONS:
        where = "see ops_lib/sandbox/checked.py"
        raise Refused(refusals.NOT_CHECKED, f"nobody has checked {operation} against AWS's documents: {where}")
