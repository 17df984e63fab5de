print(try await WorkspaceBenchmark().run().compact)
