require("@task_kit/checks")(require("@test"), "file-io")
