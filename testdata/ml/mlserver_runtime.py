"""An MLServer runtime that serves an ONNX graph: all that MLServer (PyPI, Apache-2.0) needs to be the server that `tensor-ml`'s
client of the Open Inference Protocol is tested against. Its `model-settings.json` names the graph as `uri`."""

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class OnnxModel(MLModel):
    async def load(self) -> bool:
        self.session = onnxruntime.InferenceSession(self.settings.parameters.uri, providers=["CPUExecutionProvider"])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        inputs = {port.name: NumpyCodec.decode_input(port) for port in payload.inputs}
        names = [port.name for port in self.session.get_outputs()]
        values = self.session.run(names, inputs)
        outputs = [NumpyCodec.encode_output(name, value) for name, value in zip(names, values)]
        return InferenceResponse(model_name=self.name, outputs=outputs)
