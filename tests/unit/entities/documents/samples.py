"""Documents as people write them, in the shape of Azure ML's CLI v2 YAML."""

COMMAND_JOB = """
$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
type: command
name: churn-train-7
display_name: Train the churn model
experiment_name: churn
description: |
  Gradient boosting on last quarter's customers.
tags: {team: retention, quarter: 3, since: 2024-10-01}
code: ./src
command: >-
  python train.py
  --data ${{inputs.customers}}
  --rate ${{inputs.rate}}
  --depth ${{inputs.depth}}
  $[[--sample ${{inputs.sample}}]]
  --model ${{outputs.model}}
inputs:
  customers:
    type: uri_file
    path: ./data/customers.csv
    mode: download
  rate: 0.05
  depth: 6
  verbose: true
  sample: {type: number, optional: true, min: 0, max: 1}
outputs:
  model: {type: mlflow_model, mode: upload, name: churn, version: 4}
  report:
environment:
  image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04
  conda_file: ./env/conda.yml
environment_variables: {LOG_LEVEL: debug, WORKERS: 4}
compute: azureml:cpu-cluster
resources: {instance_count: 2, instance_type: gpu, shm_size: 4g, docker_args: --gpus all}
distribution: {type: pytorch, process_count_per_instance: 2}
limits: {timeout: 3600}
identity: {type: user_identity}
queue_settings: {job_tier: spot}
services: {board: {type: tensor_board}}
"""

PIPELINE_JOB = """
type: pipeline
display_name: churn end to end
experiment_name: churn
inputs:
  raw: {type: uri_folder, path: azureml:customers@latest}
  epochs: 3
outputs:
  model: {type: mlflow_model}
settings:
  default_compute: azureml:cpu-cluster
  default_datastore: azureml:workspaceblobstore
  continue_on_step_failure: false
jobs:
  prepare:
    type: command
    component: ./components/prepare.yml
    inputs:
      raw: ${{parent.inputs.raw}}
    outputs:
      clean:
  train:
    component: azureml:train:3
    inputs:
      data: ${{parent.jobs.prepare.outputs.clean}}
      holdout: {type: uri_file, path: ./holdout.csv, mode: ro_mount}
      base: {type: mlflow_model, path: ./base-model}
      epochs: ${{parent.inputs.epochs}}
    outputs:
      model: ${{parent.outputs.model}}
    compute: gpu
    resources: {instance_count: 2}
    settings: {force_rerun: true}
    identity: {type: managed}
  score:
    command: python score.py ${{inputs.model}} ${{outputs.scores}}
    code: ../score
    environment: azureml://registries/shared/environments/sklearn/versions/2
    inputs:
      model: {type: mlflow_model, path: "${{parent.jobs.train.outputs.model}}", mode: download}
    outputs:
      scores: {type: uri_file, mode: upload}
"""

COMMAND_COMPONENT = """
$schema: https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json
name: train
version: 3
type: command
display_name: Train
is_deterministic: false
inputs:
  data: {type: uri_folder, description: what to learn from}
  epochs: {type: integer, default: 10, min: 1, max: 100}
  schedule: {type: string, enum: [fixed, decay], default: fixed}
  seed: {type: integer, optional: true}
outputs:
  model: {type: mlflow_model}
code: ./train_src
environment: azureml:sklearn-1.5@latest
command: >-
  python train.py --data ${{inputs.data}} --epochs ${{inputs.epochs}} --schedule ${{inputs.schedule}}
  $[[--seed ${{inputs.seed}}]] --model ${{outputs.model}}
"""

PIPELINE_COMPONENT = """
type: pipeline
name: prepare_and_train
inputs:
  raw: {type: uri_folder}
outputs:
  model: {type: mlflow_model}
jobs:
  prepare:
    component: file:prepare.yml
    inputs: {raw: "${{parent.inputs.raw}}"}
  train:
    component:
      type: command
      name: inline
      command: python t.py ${{inputs.data}} ${{outputs.model}}
      code: ./t
      environment: {build: {path: ./docker}}
      inputs: {data: {type: uri_folder}}
      outputs: {model: {type: mlflow_model}}
    inputs: {data: "${{parent.jobs.prepare.outputs.artifacts}}"}
    outputs: {model: "${{parent.outputs.model}}"}
"""

ENVIRONMENT = """
name: churn-env
version: 1.2
image: python:3.11-slim
conda_file:
  channels: [conda-forge]
  dependencies: [python=3.11, pip, {pip: [scikit-learn==1.5.2, mlflow]}]
tags: {owner: me}
"""

DEPLOYMENT = """
$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineDeployment.schema.json
name: blue
endpoint_name: churn
model: {path: ../model-1/, type: custom_model}
code_configuration: {code: ./onlinescoring, scoring_script: score.py}
environment: {image: python:3.11, conda_file: ../env/conda.yaml}
instance_type: Standard_DS3_v2
instance_count: 2
request_settings: {request_timeout_ms: 90000, max_concurrent_requests_per_instance: 4}
liveness_probe: {initial_delay: 30}
app_insights_enabled: true
scale_settings: {type: default}
"""
