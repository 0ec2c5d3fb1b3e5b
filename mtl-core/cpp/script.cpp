// TorchScript: tracing a network of several inputs and outputs into one module, and running such a module.
//
// tch traces one output, and bakes parameters and the batch size in as constants. Here parameters become attributes of
// submodules (so that Python sees them by name), all outputs form one tuple, and two traces of different batch sizes are
// compared: a number that grew with the batch becomes an expression of the first input's size.
#include "shim.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/normalize_ops.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <cmath>
#include <sstream>
#include <unordered_map>

namespace jit = torch::jit;
using mtl::Handle;

namespace {

struct Trace {
  jit::Module module{c10::QualifiedName("__torch__.mtl.Model")};
  std::shared_ptr<jit::Graph> graph;
  jit::Value* first_input = nullptr;
  int64_t batch = 0;
};

struct Script {
  jit::Module module;
  std::string extra;
};

std::vector<std::string> parts(const std::string& dotted) {
  std::vector<std::string> out;
  std::istringstream stream(dotted);
  for (std::string part; std::getline(stream, part, '.');) out.push_back(part);
  return out;
}

// PyTorch's own modules all say whether they train; its eval() wants to set it.
void say_eval(jit::Module& module) { module.register_attribute("training", c10::BoolType::get(), false); }

void store(jit::Module& root, const std::string& name, const at::Tensor& tensor, bool is_buffer) {
  auto path = parts(name);
  TORCH_CHECK(!path.empty(), "a tensor without a name");
  jit::Module place = root;
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    if (!place.hasattr(path[i])) {
      jit::Module made(c10::QualifiedName("__torch__.mtl.Part"), root._ivalue()->compilation_unit(), /*mangle=*/true);
      say_eval(made);
      place.register_module(path[i], made);
    }
    place = place.attr(path[i]).toModule();
  }
  // Detached: whoever runs the module gets plain numbers, whoever trains it says so.
  place.register_parameter(path.back(), tensor.detach(), is_buffer);
}

jit::Value* fetch(jit::Graph& graph, std::unordered_map<std::string, jit::Value*>& known, const std::string& name) {
  auto found = known.find(name);
  if (found != known.end()) return found->second;
  auto dot = name.rfind('.');
  auto* owner = dot == std::string::npos ? known.at("") : fetch(graph, known, name.substr(0, dot));
  auto* value = graph.insertGetAttr(owner, dot == std::string::npos ? name : name.substr(dot + 1));
  known.emplace(name, value);
  return value;
}

// `k * batch + c`, which gave `at_a` and `at_b` for the two batch sizes.
jit::Value* of_batch(jit::Graph& graph, jit::Node* before, jit::Value* batch, const Trace& a, const Trace& b,
                     int64_t at_a, int64_t at_b) {
  TORCH_CHECK((at_b - at_a) % (b.batch - a.batch) == 0, "a size of ", at_a, " for a batch of ", a.batch, " and of ",
              at_b, " for one of ", b.batch, " is no multiple of the batch");
  auto k = (at_b - at_a) / (b.batch - a.batch);
  auto c = at_a - k * a.batch;
  jit::WithInsertPoint here(before);
  auto* value = batch;
  if (k != 1) value = graph.insert(c10::aten::mul, {value, k});
  if (c != 0) value = graph.insert(c10::aten::add, {value, c});
  return value;
}

bool same_constant(const c10::IValue& a, const c10::IValue& b) {
  if (a.isTensor() && b.isTensor()) {
    const auto &x = a.toTensor(), &y = b.toTensor();
    if (x.defined() != y.defined()) return false;
    return !x.defined() || (x.sizes() == y.sizes() && x.scalar_type() == y.scalar_type() && at::equal(x, y));
  }
  if (a.isInt() && b.isInt()) return a.toInt() == b.toInt();
  if (a.isDouble() && b.isDouble())
    return a.toDouble() == b.toDouble() || (std::isnan(a.toDouble()) && std::isnan(b.toDouble()));
  return a.tagKind() == b.tagKind() && a == b;
}

void generalize(Trace& a, const Trace& b) {
  auto& graph = *a.graph;
  auto* first = *graph.nodes().begin();
  jit::Value* batch = nullptr;
  {
    jit::WithInsertPoint here(first);
    batch = graph.insert(c10::aten::size, {a.first_input, 0});
  }
  std::unordered_map<const jit::Value*, const jit::Value*> partner;
  TORCH_CHECK(graph.inputs().size() == b.graph->inputs().size(), "the traces differ in their inputs");
  for (size_t i = 0; i < graph.inputs().size(); ++i) partner[graph.inputs()[i]] = b.graph->inputs()[i];

  auto it_a = first->iterator();
  auto it_b = b.graph->nodes().begin();
  const auto end_a = graph.nodes().end(), end_b = b.graph->nodes().end();
  for (; it_a != end_a && it_b != end_b; ++it_a, ++it_b) {
    auto *x = *it_a, *y = *it_b;
    TORCH_CHECK(x->kind() == y->kind() && x->inputs().size() == y->inputs().size() &&
                    x->outputs().size() == y->outputs().size() && x->blocks().empty() && y->blocks().empty(),
                "the network runs other operations for a batch of ", a.batch, " (", x->kind().toQualString(),
                ") than for one of ", b.batch, " (", y->kind().toQualString(), ")");
    for (size_t i = 0; i < x->inputs().size(); ++i) {
      // Values of the batch's size have replaced constants of the first graph only.
      auto found = partner.find(x->inputs()[i]);
      TORCH_CHECK(found == partner.end() || found->second == y->inputs()[i], "the network wires ",
                  x->kind().toQualString(), " otherwise for a batch of ", b.batch);
    }
    for (size_t i = 0; i < x->outputs().size(); ++i) partner[x->outputs()[i]] = y->outputs()[i];
    if (x->kind() == c10::prim::Constant) {
      auto va = jit::toIValue(x->output()), vb = jit::toIValue(y->output());
      TORCH_CHECK(va.has_value() == vb.has_value(), "the network holds other constants for other batches");
      if (!va || same_constant(*va, *vb)) continue;
      TORCH_CHECK(va->isInt() && vb->isInt(), "a constant of the network depends on the batch: ", va->tagKind());
      auto* value = of_batch(graph, x, batch, a, b, va->toInt(), vb->toInt());
      x->output()->replaceAllUsesWith(value);
    }
  }
  TORCH_CHECK(it_a == end_a && it_b == end_b, "the network runs more operations for one batch size than for another");
  jit::EliminateDeadCode(a.graph);
}

}  // namespace

// Registers the tensors as parameters (the first n_params) and buffers, and starts to record.
extern "C" int mtl_trace_begin(const char* const* input_names, const Handle* inputs, int64_t n_inputs,
                               const char* const* names, const Handle* tensors, int64_t n_params, int64_t n_tensors,
                               Trace** out) {
  return mtl::guarded([&] {
    TORCH_CHECK(!jit::tracer::isTracing(), "a trace is being recorded already");
    TORCH_CHECK(n_inputs > 0 && inputs[0]->dim() > 0, "a trace needs an input with a batch axis");
    auto trace = std::make_unique<Trace>();
    trace->batch = inputs[0]->size(0);
    say_eval(trace->module);
    for (int64_t i = 0; i < n_tensors; ++i) store(trace->module, names[i], *tensors[i], /*is_buffer=*/i >= n_params);

    auto state = std::make_shared<jit::tracer::TracingState>();
    state->warn = false;
    trace->graph = state->graph;
    std::unordered_map<std::string, jit::Value*> known;
    known[""] = trace->graph->insertInput(0, "self")->setType(trace->module.type());
    for (int64_t i = 0; i < n_inputs; ++i) {
      auto* value = trace->graph->addInput(input_names[i])->setType(c10::TensorType::get());
      if (i == 0) trace->first_input = value;
      state->setValue(*inputs[i], value);
    }
    for (int64_t i = 0; i < n_tensors; ++i) state->setValue(*tensors[i], fetch(*trace->graph, known, names[i]));
    jit::tracer::setTracingState(std::move(state));
    *out = trace.release();
  });
}

extern "C" int mtl_trace_end(Trace* trace, const Handle* outputs, int64_t n_outputs) {
  return mtl::guarded([&] {
    auto state = jit::tracer::getTracingState();
    TORCH_CHECK(state && state->graph == trace->graph, "no trace is being recorded");
    std::vector<jit::Value*> values;
    for (int64_t i = 0; i < n_outputs; ++i) values.push_back(state->getOutput(*outputs[i], i));
    auto* tuple = trace->graph->insertNode(trace->graph->createTuple(values))->output();
    trace->graph->registerOutput(tuple);
    jit::tracer::setTracingState(nullptr);
    jit::NormalizeOps(trace->graph);
    jit::EliminateDeadCode(trace->graph);
  });
}

extern "C" void mtl_trace_abandon() { jit::tracer::abandon(); }

extern "C" void mtl_trace_free(Trace* trace) { delete trace; }

// Makes `trace` hold for any batch size, by comparison with a trace of another one, and hands its file to `sink`.
extern "C" int mtl_trace_save(Trace* trace, const Trace* other, const char* extra_name, const char* extra,
                              int64_t extra_len, void (*sink)(void*, const uint8_t*, size_t), void* context) {
  return mtl::guarded([&] {
    TORCH_CHECK(trace->batch != other->batch, "both traces are of a batch of ", trace->batch);
    generalize(*trace, *other);
    auto type = trace->module.type();
    auto unit = trace->module._ivalue()->compilation_unit();
    type->addMethod(unit->create_function(c10::QualifiedName(*type->name(), "forward"), trace->graph));
    jit::ExtraFilesMap extras{{extra_name, std::string(extra, extra_len)}};
    std::ostringstream stream;
    trace->module.save(stream, extras);
    auto bytes = stream.str();
    sink(context, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  });
}

// device: -1 for the CPU, else the index of a CUDA device.
extern "C" int mtl_script_load(const uint8_t* bytes, size_t len, int device, const char* extra_name, Script** out) {
  return mtl::guarded([&] {
    std::istringstream stream(std::string(reinterpret_cast<const char*>(bytes), len));
    jit::ExtraFilesMap extras{{extra_name, ""}};
    auto place = device < 0 ? c10::Device(c10::kCPU) : c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(device));
    auto script = std::make_unique<Script>();
    script->module = jit::load(stream, place, extras);
    script->extra = std::move(extras[extra_name]);
    *out = script.release();
  });
}

extern "C" const char* mtl_script_extra(const Script* script, int64_t* len) {
  *len = static_cast<int64_t>(script->extra.size());
  return script->extra.data();
}

extern "C" int mtl_script_forward(Script* script, const Handle* inputs, int64_t n_inputs, Handle* outputs,
                                  int64_t n_outputs) {
  return mtl::guarded([&] {
    c10::AutoGradMode no_grad(false);
    // The profiling executor would compile anew for batch sizes it has not seen, and may fuse to other roundings.
    jit::GraphOptimizerEnabledGuard plain(false);
    std::vector<c10::IValue> arguments;
    for (int64_t i = 0; i < n_inputs; ++i) arguments.emplace_back(*inputs[i]);
    auto result = script->module.forward(std::move(arguments));
    TORCH_CHECK(result.isTuple(), "the module gives no tuple");
    const auto& elements = result.toTupleRef().elements();
    TORCH_CHECK(static_cast<int64_t>(elements.size()) == n_outputs, "the module gives ", elements.size(),
                " outputs, expected ", n_outputs);
    for (const auto& element : elements) TORCH_CHECK(element.isTensor(), "the module gives something that is no tensor");
    for (int64_t i = 0; i < n_outputs; ++i) outputs[i] = new at::Tensor(elements[i].toTensor());
  });
}

extern "C" void mtl_script_free(Script* script) { delete script; }
