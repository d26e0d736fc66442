output "report_store" {
  description = "report_store of the environment's YAML."
  value       = "s3://${aws_s3_bucket.reports.id}"
}

output "sns_topic_arn" {
  description = "deliver.sns_topic_arn of the environment's YAML; subscribe to it."
  value       = aws_sns_topic.reports.arn
}

output "reader_role_arn" {
  description = "reader_role_arn of the environment's YAML."
  value       = aws_iam_role.reader.arn
}

output "deliver_role_arn" {
  description = "deliver_role_arn of the environment's YAML."
  value       = aws_iam_role.deliver.arn
}
