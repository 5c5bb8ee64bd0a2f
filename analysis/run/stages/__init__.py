"""The stages of a run, one to a file: a function named like its module that loads, calls, and saves.

    def stage(work: Path, config: dict, inputs: Mapping[Role, Path]) -> dict

`work` is the folder to fill, `inputs` the finished folders of the stages it reads, by what they are to it
(`analysis.plan.edges`); what it returns are notes for the manifest. No stage writes into another's folder.
"""
