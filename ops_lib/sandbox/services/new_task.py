"""A task of a service, as moto makes one that wants neither subnets nor a container instance."""

from __future__ import annotations

from moto.ecs.models import EC2ContainerServiceBackend, Service, Task


def new_task(backend: EC2ContainerServiceBackend, service: Service, own_id: str | None = None) -> Task:
    """Make a task of the service's newest deployment, `own_id`: with that id."""
    definition = backend.describe_task_definition(str(service.task_definition))
    # An awsvpc task wants subnets, which the sandbox has not: made as a bridge task, it lacks only its interface.
    mode, definition.network_mode = definition.network_mode, "bridge"
    task = Task(
        cluster=backend._get_cluster(service.cluster_name),
        task_definition=definition,
        container_instance_arn=None,
        resource_requirements=None,
        backend=backend,
        group=f"service:{service.name}",
        launch_type="FARGATE",
        started_by=str(service.deployments[0]["id"]),
    )
    definition.network_mode = mode
    task.id = own_id or task.id
    backend.tasks.setdefault(service.cluster_name, {})[task.task_arn] = task
    return task
