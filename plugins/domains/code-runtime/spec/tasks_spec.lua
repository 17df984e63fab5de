require("@task_kit/checks")(require("@test"), "code-runtime")
