"""What AWS does by itself about the pipeline's services in time: tasks follow, counts scale, alarms change."""
