"""Plain calls of an unlisted operation, of services that the list knows and of others."""

from __future__ import annotations

from typing import Any

from attack.road import ITEM, KERNEL, KEY, OBJECT, QUEUE, fresh


def _call(service: str, method: str, /, **arguments: Any) -> None:
    def road() -> object:
        return getattr(fresh(service), method)(**arguments)

    KERNEL[f"{service}.{method}"] = road


_call("dynamodb", "put_item", **ITEM)
_call("dynamodb", "delete_item", **KEY)
_call("dynamodb", "update_item", **KEY)
_call("dynamodb", "batch_write_item", RequestItems={"jobs": [{"PutRequest": {"Item": ITEM["Item"]}}]})
_call("dynamodb", "transact_write_items", TransactItems=[{"Put": ITEM}])
_call("dynamodb", "execute_statement", Statement="DELETE FROM jobs WHERE pk='1'")
_call("dynamodb", "batch_execute_statement", Statements=[{"Statement": "DELETE FROM jobs WHERE pk='1'"}])
_call("dynamodb", "execute_transaction", TransactStatements=[{"Statement": "DELETE FROM jobs WHERE pk='1'"}])
_call("sqs", "send_message", QueueUrl=QUEUE, MessageBody="b")
_call("sqs", "send_message_batch", QueueUrl=QUEUE, Entries=[{"Id": "1", "MessageBody": "b"}])
_call("sqs", "receive_message", QueueUrl=QUEUE, VisibilityTimeout=0)
_call("sqs", "change_message_visibility", QueueUrl=QUEUE, ReceiptHandle="h", VisibilityTimeout=0)
_call("sqs", "delete_message", QueueUrl=QUEUE, ReceiptHandle="h")
_call("sqs", "purge_queue", QueueUrl=QUEUE)
_call("sqs", "start_message_move_task", SourceArn="arn:aws:sqs:us-east-1:1:q")
_call("s3", "put_object", **OBJECT)
_call("s3", "delete_object", **OBJECT)
_call("s3", "delete_objects", Bucket="bucket", Delete={"Objects": [{"Key": "key"}]})
_call("s3", "restore_object", **OBJECT)
_call("ecs", "update_service", service="s", desiredCount=0)
_call("ecs", "run_task", taskDefinition="t")
_call(
    "application-autoscaling",
    "register_scalable_target",
    ServiceNamespace="ecs",
    ResourceId="r",
    ScalableDimension="ecs:service:DesiredCount",
)
_call("cloudwatch", "put_metric_data", Namespace="n", MetricData=[{"MetricName": "m", "Value": 1}])
_call("cloudwatch", "set_alarm_state", AlarmName="a", StateValue="OK", StateReason="r")
_call(
    "logs",
    "put_log_events",
    logGroupName="g",
    logStreamName="s",
    logEvents=[{"timestamp": 1, "message": "m"}],
)
_call("logs", "delete_log_group", logGroupName="g")
_call("sagemaker", "update_endpoint", EndpointName="e", EndpointConfigName="c")
_call("sagemaker-runtime", "invoke_endpoint_async", EndpointName="e", InputLocation="s3://b/k")
_call("codebuild", "start_build", projectName="p")
_call("codebuild", "batch_delete_builds", ids=["i"])
_call("pipes", "stop_pipe", Name="p")
_call("iam", "create_access_key", UserName="u")
_call("lambda", "invoke", FunctionName="f")
_call("ssm", "send_command", DocumentName="AWS-RunShellScript")
_call("ec2", "run_instances", MinCount=1, MaxCount=1)
_call("sns", "publish", TopicArn="arn:aws:sns:us-east-1:1:t", Message="m")
_call("scheduler", "delete_schedule", Name="s")
# Named like reads; each takes something or hands something out.
_call("sts", "get_federation_token", Name="nn")
_call("sts", "get_session_token")
_call("ecr", "get_authorization_token")
_call("secretsmanager", "get_secret_value", SecretId="s")
_call("kinesis", "get_records", ShardIterator="i")
_call("swf", "poll_for_decision_task", domain="d", taskList={"name": "n"})
