"""The stages of a run, one to a file: a function named like its module that loads, calls, and saves.

    def stage(work: Path, config: StageConfig, inputs: Mapping[Role, Path]) -> dict

`work` is the folder to fill, `config` what is asked (each stage has a class of its own in
`analysis.plan.stage_configs`), `inputs` the finished folders of the stages that it reads, by what they are to it
(`analysis.plan.edges`); what it returns are notes for the manifest. No stage writes into another's folder.
"""
