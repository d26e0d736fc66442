variable "name_prefix" {
  description = "The pipeline's own prefix, as in its Terraform."
  type        = string
  default     = "stereo-spot"
}

variable "environments" {
  description = "When each environment is reported on, in UTC: the names are those of parameters/environments/<name>.yaml in the image."
  type        = map(string)
  default     = { prod = "cron(0 6 * * ? *)" }
}

variable "image" {
  description = "The image of deploy/Dockerfile, by digest: <repository>@sha256:..."
  type        = string
  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "Name the image by its digest: a tag moves."
  }
}

variable "ecs_cluster_arn" {
  description = "ECS_CLUSTER_ARN of the pipeline's .env."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets with a way to AWS's APIs: the workers' own."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups that let HTTPS out; nothing has to come in."
  type        = list(string)
}

variable "assign_public_ip" {
  description = "Whether the task needs a public address to reach AWS's APIs (a public subnet without NAT)."
  type        = bool
  default     = false
}

variable "webhook_secret_arn" {
  description = "Secrets Manager secret with the webhook's address; null: no webhook."
  type        = string
  default     = null
}

variable "alarm_topic_arns" {
  description = "Who is told that no report arrived."
  type        = list(string)
}

variable "report_retention_days" {
  description = "How long reports are kept."
  type        = number
  default     = 400
}
