"""What boto3 offers over plain calls: resources, batches, managed transfers, paginators, waiters, presigned URLs."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import boto3
from attack.road import ITEM, OBJECT, PUT_BODY, PUT_TARGET, QUEUE, fresh, kernel, send
from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.signers import S3PostPresigner


@kernel
def resource_put_item() -> object:
    return boto3.resource("dynamodb").Table("jobs").put_item(Item={"pk": "1"})


@kernel
def resource_batch_writer() -> None:
    with boto3.resource("dynamodb").Table("jobs").batch_writer() as batch:
        batch.put_item(Item={"pk": "1"})


@kernel
def resource_queue_send() -> object:
    return boto3.resource("sqs").Queue(QUEUE).send_message(MessageBody="b")


@kernel
def resource_object_delete() -> object:
    return boto3.resource("s3").Object("bucket", "key").delete()


@kernel
def resource_bucket_empty() -> object:
    return boto3.resource("s3").Bucket("bucket").delete_objects(Delete={"Objects": [{"Key": "k"}]})


@kernel
def resource_meta_client() -> object:
    return boto3.resource("dynamodb").meta.client.put_item(TableName="jobs", Item={"pk": "1"})


@kernel
def upload_file() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "f")
        path.write_bytes(b"x")
        fresh("s3").upload_file(str(path), "bucket", "key")


@kernel
def upload_fileobj_in_threads() -> None:
    size = 5 * 2**20
    parts = TransferConfig(multipart_threshold=size, multipart_chunksize=size, max_concurrency=4)
    fresh("s3").upload_fileobj(io.BytesIO(bytes(size + 1)), "bucket", "key", Config=parts)


@kernel
def managed_copy() -> None:
    fresh("s3").copy(OBJECT, "bucket", "copy")


@kernel
def paginator() -> None:
    list(fresh("dynamodb").get_paginator("list_backups").paginate())


@kernel
def paginator_made_by_hand() -> None:
    pages = fresh("dynamodb").get_paginator("scan")
    pages._method = fresh("dynamodb").put_item
    list(pages.paginate(**ITEM))


@kernel
def waiter() -> None:
    once = {"Delay": 0, "MaxAttempts": 1}
    fresh("ec2").get_waiter("instance_running").wait(InstanceIds=["i-1"], WaiterConfig=once)


# Presigned: the change is made later, by anybody, without botocore.


@kernel
def presigned_put() -> None:
    send(fresh("s3").generate_presigned_url("put_object", Params=OBJECT), "PUT", b"x")


@kernel
def presigned_put_v4() -> None:
    client = fresh("s3", config=Config(signature_version="s3v4"))
    send(client.generate_presigned_url("put_object", Params=OBJECT), "PUT", b"x")


@kernel
def presigned_delete() -> None:
    send(fresh("s3").generate_presigned_url("delete_object", Params=OBJECT), "DELETE")


@kernel
def presigned_get_as_put() -> None:
    """boto3 signs a listed read's URL for another method when asked to: the object is overwritten."""
    send(fresh("s3").generate_presigned_url("get_object", Params=OBJECT, HttpMethod="PUT"), "PUT", b"x")


@kernel
def presigned_get_as_delete() -> None:
    send(fresh("s3").generate_presigned_url("head_object", Params=OBJECT, HttpMethod="DELETE"), "DELETE")


@kernel
def presigned_post() -> None:
    form = fresh("s3").generate_presigned_post("bucket", "key")
    send(form["url"], "POST", repr(form["fields"]).encode())


@kernel
def presigned_read_of_a_query_service() -> None:
    """AWS's query services obey a GET whose address names any Action."""
    client = fresh("sqs")
    address = f"{client.meta.endpoint_url}/?Action=PurgeQueue&QueueUrl=q"
    request = {"method": "GET", "url": address, "headers": {}, "body": b"", "context": {}}
    send(client._request_signer.generate_presigned_url(request, "GetQueueUrl"), "GET")


@kernel
def post_presigner() -> None:
    client = fresh("s3")
    address = f"{client.meta.endpoint_url}/bucket"
    request = {"method": "POST", "url": address, "headers": {}, "body": b"", "context": {}}
    form = S3PostPresigner(client._request_signer).generate_presigned_post(request)
    send(form["url"], "POST", b"x")


@kernel
def signer_lent_to_urllib() -> None:
    """A listed name, and a request that is something else."""
    client = fresh("dynamodb")
    headers = {"X-Amz-Target": PUT_TARGET}
    request = AWSRequest("POST", client.meta.endpoint_url, headers, PUT_BODY)
    client._request_signer.sign("GetItem", request)
    send(client.meta.endpoint_url, "POST", PUT_BODY, dict(request.headers.items()))


@kernel
def unsigned_client() -> object:
    return fresh("s3", config=Config(signature_version=UNSIGNED)).put_object(**OBJECT)


@kernel
def unsigned_presigned_put() -> None:
    client = fresh("s3", config=Config(signature_version=UNSIGNED))
    send(client.generate_presigned_url("put_object", Params=OBJECT), "PUT", b"x")
