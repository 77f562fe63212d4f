"""Computes: named profiles, made, changed, listed, started, stopped and deleted."""

from azure.ai.ml.entities import (
    AmlCompute,
    AmlComputeSshSettings,
    ComputeInstance,
    KubernetesCompute,
    SynapseSparkCompute,
    VirtualMachineCompute,
    VirtualMachineSshSettings,
)
from recorder import NAME, SUBSCRIPTION, refused, workspace

ml = workspace()
short = NAME.replace("resources-", "r")

cluster = f"{short}-cpu"
wanted = AmlCompute(
    name=cluster,
    size="STANDARD_DS3_V2",
    min_instances=1,
    max_instances=4,
    idle_time_before_scale_down=180,
    tier="low_priority",
    description="one",
    tags={"a": "b"},
    ssh_settings=AmlComputeSshSettings(admin_username="ann", admin_password="wonder-land-1"),
)
made = ml.compute.begin_create_or_update(wanted).result()
assert (made.name, made.type, made.size, made.tier) == (cluster, "amlcompute", "STANDARD_DS3_V2", "low_priority"), made
assert (made.min_instances, made.max_instances, made.idle_time_before_scale_down) == (1, 4, 180), made
found = ml.compute.get(cluster)
assert (found.description, found.tags, found.provisioning_state) == ("one", {"a": "b"}, "Succeeded"), found
assert found.id.endswith(f"/computes/{cluster}"), found.id
assert (found.ssh_settings.admin_username, found.ssh_settings.admin_password) == ("ann", None), found.ssh_settings
assert found.location == ml.workspaces.get().location, found.location
found.max_instances = 8
assert ml.compute.begin_update(found).result().max_instances == 8
assert ml.begin_create_or_update(AmlCompute(name=cluster, max_instances=9)).result().max_instances == 9
assert list(ml.compute.list_nodes(cluster)) == []
refused("neither started nor stopped", ml.compute.begin_start, cluster)

instance = f"{short}-ci"
made = ml.compute.begin_create_or_update(
    ComputeInstance(name=instance, size="STANDARD_DS3_V2", idle_time_before_shutdown_minutes=30)
).result()
assert (made.type, made.state, made.idle_time_before_shutdown_minutes) == ("computeinstance", "Running", 30), made
ml.compute.begin_stop(instance).result()
assert ml.compute.get(instance).state == "Stopped"
ml.compute.begin_start(instance).result()
assert ml.compute.get(instance).state == "Running"
ml.compute.begin_restart(instance).result()
assert ml.compute.get(instance).state == "Running"
refused("named profile", ml.compute.enable_sso, name=instance)
refused("stays so", ml.compute.begin_create_or_update, AmlCompute(name=instance))

pods = f"{short}-k8s"
resource = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c"
attached = KubernetesCompute(name=pods, namespace="ml", resource_id=resource, properties={})
made = ml.compute.begin_attach(attached).result()
assert (made.type, made.namespace, made.resource_id) == ("kubernetes", "ml", resource), made
machine = f"{short}-vm"
ssh = VirtualMachineSshSettings(admin_username="ann", admin_password="wonder-land-2", ssh_port=2222)
made = ml.compute.begin_create_or_update(
    VirtualMachineCompute(name=machine, resource_id=resource, ssh_settings=ssh)
).result()
assert (made.type, made.ssh_settings.ssh_port, made.ssh_settings.admin_password) == ("virtualmachine", 2222, None), made
spark = f"{short}-spark"
made = ml.compute.begin_attach(SynapseSparkCompute(name=spark, resource_id=resource)).result()
assert (made.type, made.resource_id) == ("synapsespark", resource), made

mine = {cluster, instance, pods, machine, spark}
assert {one.name for one in ml.compute.list()} >= mine
assert instance in {one.name for one in ml.compute.list(compute_type="ComputeInstance")}
assert cluster not in {one.name for one in ml.compute.list(compute_type="ComputeInstance")}
sizes = ml.compute.list_sizes()
assert [one.name for one in sizes] == ["machine"], sizes
assert (sizes[0].v_cp_us or vars(sizes[0])["vCPUs"]) >= 1  # the SDK 1.35 leaves it under the name of the wire
assert len(ml.compute.list_sizes(compute_type="AmlCompute")) == 1
usages = list(ml.compute.list_usage())
assert max(one.current_value or vars(one).get("currentValue", 0) for one in usages) >= len(mine), usages
for name in mine:
    ml.compute.begin_delete(name).result()
    refused(name, ml.compute.get, name)
assert not mine & {one.name for one in ml.compute.list()}
ml.compute.begin_delete(cluster, action="Detach").result()
