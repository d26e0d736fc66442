# One daily report per environment: EventBridge Scheduler -> ECS RunTask in the pipeline's own cluster. The task may take
# two roles, the reader's and the deliverer's, and no other; it can change nothing of the pipeline.

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  name       = "${var.name_prefix}-ops"
  reports    = "${var.name_prefix}-ops-reports"
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

# --- where reports go ------------------------------------------------------------------------------------------------

resource "aws_s3_bucket" "reports" {
  bucket = local.reports
}

resource "aws_s3_bucket_public_access_block" "reports" {
  bucket                  = aws_s3_bucket.reports.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "reports" {
  bucket = aws_s3_bucket.reports.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "reports" {
  bucket = aws_s3_bucket.reports.id
  rule {
    id     = "retention"
    status = "Enabled"
    filter {}
    expiration {
      days = var.report_retention_days
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_sns_topic" "reports" {
  name = local.reports
}

# --- who may what: the policies of deploy/iam, with this deployment's prefix -----------------------------------------

resource "aws_iam_role" "reader" {
  name               = "${local.name}-reader"
  assume_role_policy = data.aws_iam_policy_document.from_task.json
}

resource "aws_iam_role_policy" "reader" {
  name   = "reader"
  role   = aws_iam_role.reader.id
  policy = replace(file("${path.module}/../iam/reader.json"), "stereo-spot", var.name_prefix)
}

resource "aws_iam_role" "deliver" {
  name               = "${local.name}-deliver"
  assume_role_policy = data.aws_iam_policy_document.from_task.json
}

resource "aws_iam_role_policy" "deliver" {
  name   = "deliver"
  role   = aws_iam_role.deliver.id
  policy = replace(file("${path.module}/../iam/deliver.json"), "stereo-spot", var.name_prefix)
}

data "aws_iam_policy_document" "from_task" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.task.arn]
    }
  }
}

resource "aws_iam_role" "task" {
  name               = "${local.name}-report-task"
  assume_role_policy = data.aws_iam_policy_document.ecs_tasks.json
}

resource "aws_iam_role_policy" "task" {
  name   = "assume"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.assume.json
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    resources = [
      "arn:${local.partition}:iam::${local.account_id}:role/${local.name}-reader",
      "arn:${local.partition}:iam::${local.account_id}:role/${local.name}-deliver",
    ]
  }
}

data "aws_iam_policy_document" "ecs_tasks" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

# --- the task --------------------------------------------------------------------------------------------------------

resource "aws_iam_role" "execution" {
  name               = "${local.name}-report-execution"
  assume_role_policy = data.aws_iam_policy_document.ecs_tasks.json
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

resource "aws_iam_role_policy" "webhook" {
  count = var.webhook_secret_arn == null ? 0 : 1
  name  = "webhook"
  role  = aws_iam_role.execution.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "secretsmanager:GetSecretValue", Resource = var.webhook_secret_arn }]
  })
}

resource "aws_cloudwatch_log_group" "report" {
  name              = "/ecs/${local.name}/report"
  retention_in_days = 30
}

resource "aws_ecs_task_definition" "report" {
  for_each                 = var.environments
  family                   = "${local.name}-report-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 1024
  memory                   = 2048
  task_role_arn            = aws_iam_role.task.arn
  execution_role_arn       = aws_iam_role.execution.arn

  container_definitions = jsonencode([{
    name      = "report"
    image     = var.image
    essential = true
    command   = ["report", "--deliver", "-e", each.key]
    secrets   = var.webhook_secret_arn == null ? [] : [{ name = "OPS_WEBHOOK_URL", valueFrom = var.webhook_secret_arn }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.report.name
        "awslogs-region"        = data.aws_region.current.name
        "awslogs-stream-prefix" = each.key
      }
    }
  }])
}

# --- the schedule ----------------------------------------------------------------------------------------------------

resource "aws_iam_role" "scheduler" {
  name               = "${local.name}-report-scheduler"
  assume_role_policy = data.aws_iam_policy_document.scheduler.json
}

data "aws_iam_policy_document" "scheduler" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }
}

resource "aws_iam_role_policy" "scheduler" {
  name   = "run-the-report"
  role   = aws_iam_role.scheduler.id
  policy = data.aws_iam_policy_document.run.json
}

data "aws_iam_policy_document" "run" {
  statement {
    actions = ["ecs:RunTask"]
    # The schedule names the family without a revision; ECS runs the newest.
    resources = flatten([
      for one in aws_ecs_task_definition.report : [one.arn_without_revision, "${one.arn_without_revision}:*"]
    ])
    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [var.ecs_cluster_arn]
    }
  }
  statement {
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.task.arn, aws_iam_role.execution.arn]
    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_scheduler_schedule" "report" {
  for_each                     = var.environments
  name                         = "${local.name}-report-${each.key}"
  schedule_expression          = each.value
  schedule_expression_timezone = "UTC"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = var.ecs_cluster_arn
    role_arn = aws_iam_role.scheduler.arn

    ecs_parameters {
      task_definition_arn = aws_ecs_task_definition.report[each.key].arn_without_revision
      launch_type         = "FARGATE"
      network_configuration {
        subnets          = var.subnet_ids
        security_groups  = var.security_group_ids
        assign_public_ip = var.assign_public_ip
      }
    }

    # The report reads the world as it is: an hour late is late, a day late is another report.
    retry_policy {
      maximum_retry_attempts       = 3
      maximum_event_age_in_seconds = 3600
    }
  }
}

# --- a report that does not arrive alarms, too -----------------------------------------------------------------------

resource "aws_cloudwatch_metric_alarm" "no_report" {
  for_each            = var.environments
  alarm_name          = "${local.name}-no-report-${each.key}"
  alarm_description   = "No daily report of ${each.key} was delivered for 26 hours: see the log group /ecs/${local.name}/report."
  namespace           = "StereoSpot/Ops"
  metric_name         = "ReportDelivered"
  dimensions          = { Environment = each.key }
  statistic           = "Sum"
  period              = 3600
  evaluation_periods  = 26
  datapoints_to_alarm = 26
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  # Silence is what this alarm is about.
  treat_missing_data = "breaching"
  alarm_actions      = var.alarm_topic_arns
  ok_actions         = var.alarm_topic_arns
}
