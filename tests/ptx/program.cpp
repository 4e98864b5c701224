#include "tests/ptx/program.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <unordered_map>

#include "tests/ptx/words.h"

namespace backdrop::ptx {
namespace {

std::size_t bytes_of_type(std::string_view type) {
  const std::string_view digits = type.substr(std::min(type.size(), type.find_first_of("0123456789")));
  int bits = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (bits % 8 != 0 || bits == 0) throw Fault("no size is known for the type ." + std::string(type));
  return static_cast<std::size_t>(bits / 8);
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(without_notes(text, files_)), words_(text_) {}

  std::vector<Kernel> parse() {
    std::vector<Kernel> kernels;
    while (!words_.at_end()) {
      const std::string_view word = words_.take();
      if (word == ".version" || word == ".address_size") {
        words_.take();
      } else if (word == ".target") {
        do words_.take();
        while (words_.take_if(","));
      } else if (word == ".extern" && words_.peek() == ".shared") {
        words_.take();
        outside_.push_back(std::string(variable().name));
      } else if (word == ".entry") {
        kernels.push_back(kernel());
      } else if (word != ".visible" && word != ".weak") {
        throw Fault("unknown statement " + std::string(word));
      }
    }
    return kernels;
  }

 private:
  struct Variable {
    std::string name;
    std::size_t bytes;
    std::size_t alignment;
  };

  struct Scope {
    std::size_t first = 0;  // instruction
    std::unordered_map<std::string, int> labels = {};
  };

  // ".align 8 .b8 name[16]" or ".u32 name", up to what ends it.
  Variable variable() {
    Variable variable{"", 0, 1};
    if (words_.take_if(".align")) variable.alignment = number();
    const std::size_t bytes = bytes_of_type(words_.take());
    variable.alignment = std::max(variable.alignment, bytes);
    variable.name = words_.take();
    std::size_t count = 1;
    if (words_.take_if("[")) {
      count = words_.peek() == "]" ? 0 : number();
      words_.expect("]");
    }
    variable.bytes = count * bytes;
    words_.take_if(";");
    return variable;
  }

  std::size_t number() {
    const std::string word(words_.take());
    return std::stoull(word, nullptr, 0);
  }

  static std::size_t place(std::size_t& used, const Variable& variable) {
    const std::size_t offset = (used + variable.alignment - 1) / variable.alignment * variable.alignment;
    used = offset + variable.bytes;
    return offset;
  }

  Kernel kernel() {
    Kernel kernel;
    kernel.name = words_.take();
    registers_.clear();
    constants_.clear();
    symbols_.clear();
    scopes_.assign(1, {});
    kernel_ = &kernel;
    words_.expect("(");
    while (!words_.take_if(")")) {
      words_.take_if(",");
      words_.expect(".param");
      const Variable parameter = variable();
      const std::size_t offset = place(kernel.parameter_bytes, parameter);
      kernel.parameters.push_back({parameter.name, offset, parameter.bytes});
      symbols_[parameter.name] = offset;
    }
    while (!words_.take_if("{")) {
      const std::string_view word = words_.take();
      if (word == ".maxntid") {
        kernel.most_threads = static_cast<int>(number());
        while (words_.take_if(",")) kernel.most_threads *= static_cast<int>(number());
      } else if (word == ".minnctapersm") {
        number();
      } else if (word == ".reqnctapercluster") {
        kernel.cluster = static_cast<std::uint32_t>(number());
        while (words_.take_if(",")) kernel.cluster *= static_cast<std::uint32_t>(number());
      } else if (word != ".explicitcluster") {
        throw Fault("unknown statement " + std::string(word) + " of " + kernel.name);
      }
    }
    while (!scopes_.empty()) {
      if (words_.take_if("{"))
        scopes_.push_back({kernel.code.size(), {}});
      else if (words_.take_if("}"))
        close_scope();
      else
        statement();
    }
    const std::size_t launched = launched_shared_base(kernel);
    for (const int to : late_) kernel.constants.push_back({to, launched});
    late_.clear();
    for (const Instruction& instruction : kernel.code)
      if (!instruction.label.empty() && instruction.target < 0)
        throw Fault("no label " + instruction.label + " in " + kernel.name);
    kernel_ = nullptr;
    return kernel;
  }

  // Branches go to the innermost label of their name.
  void close_scope() {
    for (std::size_t i = scopes_.back().first; i < kernel_->code.size(); ++i) {
      Instruction& instruction = kernel_->code[i];
      if (instruction.label.empty() || instruction.target >= 0) continue;
      const auto found = scopes_.back().labels.find(instruction.label);
      if (found != scopes_.back().labels.end()) instruction.target = found->second;
    }
    scopes_.pop_back();
  }

  void statement() {
    const std::string word(words_.take());
    if (word == ".at") {
      const int file = static_cast<int>(number());
      line_ = files_[file] + ":" + std::to_string(number());
      words_.expect(";");
    } else if (word == ".reg") {
      words_.take();
      do {
        const std::string name(words_.take());
        if (words_.take_if("<"))
          words_.skip_past(">");
        else
          registers_[name] = kernel_->registers++;  // a name inside braces may come again
      } while (words_.take_if(","));
      words_.expect(";");
    } else if (word == ".shared") {
      const Variable shared = variable();
      symbols_[shared.name] = kSharedBase + place(kernel_->shared_bytes, shared);
    } else if (word == ".local") {
      const Variable local = variable();
      symbols_[local.name] = place(kernel_->local_bytes, local);
    } else if (word == ".pragma") {
      pragma();
    } else if (words_.peek() == ":") {
      words_.take();
      scopes_.back().labels[word] = static_cast<int>(kernel_->code.size());
    } else {
      instruction(word);
    }
  }

  void pragma() {
    constexpr std::string_view kUsed = "\"used_bytes_mask ";
    const std::string_view word = words_.take();
    if (word.starts_with(kUsed)) used_bytes_ = std::stoul(std::string(word.substr(kUsed.size())), nullptr, 0);
    words_.expect(";");
  }

  void instruction(std::string word) {
    Instruction made;
    made.line = line_;
    if (word == "@") {
      made.guard_negated = words_.take_if("!");
      made.guard = operand(std::string(words_.take()));
      word = words_.take();
    }
    made.name = word;
    bool first = true;
    while (!words_.take_if(";")) {
      if (words_.take_if("[")) {
        made.addresses.push_back(address());
      } else if (words_.take_if("{")) {
        do made.operands.push_back(operand(std::string(words_.take())));
        while (words_.take_if(","));
        words_.expect("}");
      } else if (made.name.starts_with("bra")) {
        made.label = words_.take();
      } else {
        std::string name(words_.take());
        if (name == "-") name += words_.take();
        made.operands.push_back(operand(name));
        if (words_.take_if("|")) made.operands.push_back(operand(std::string(words_.take())));
      }
      if (first) made.results = static_cast<int>(made.operands.size());
      first = false;
      if (words_.peek() != ";") words_.expect(",");
    }
    bind(made);
    kernel_->has_barriers |= made.name.find("barrier") != std::string::npos;
    kernel_->has_products |= made.is_product;
    if (made.space == Space::global) {
      made.used_bytes = used_bytes_;
      used_bytes_ = ~0u;
    }
    kernel_->code.push_back(std::move(made));
  }

  // Behind "[".
  Address address() {
    Address address{operand(std::string(words_.take())), 0};
    if (words_.take_if("+")) {
      const bool negative = words_.take_if("-");
      address.offset = static_cast<std::int64_t>(number());
      if (negative) address.offset = -address.offset;
    }
    words_.expect("]");
    return address;
  }

  static std::optional<Special> special(std::string_view name) {
    if (name == "%tid.x") return Special::thread;
    if (name == "%ctaid.x") return Special::block;
    if (name == "%ntid.x") return Special::threads;
    if (name == "%nctaid.x") return Special::blocks;
    if (name == "%laneid") return Special::lane;
    if (name == "%warpid") return Special::warp;
    if (name == "%cluster_ctarank" || name == "%cluster_ctaid.x") return Special::cluster_rank;
    if (name == "%cluster_nctarank" || name == "%cluster_nctaid.x") return Special::cluster_blocks;
    if (name == "%clusterid.x") return Special::cluster;
    if (name == "%nclusterid.x") return Special::clusters;
    return std::nullopt;
  }

  int constant(std::uint64_t value) {
    const auto [found, is_new] = constants_.try_emplace(value, kernel_->registers);
    if (is_new) kernel_->constants.push_back({kernel_->registers++, value});
    return found->second;
  }

  int operand(const std::string& name) {
    const bool negative = name.starts_with("-");
    if (negative || std::isdigit(static_cast<unsigned char>(name[0])) != 0) {
      if (name.starts_with("0f") || name.starts_with("0d"))
        return constant(std::stoull(name.substr(2), nullptr, 16));
      const std::uint64_t value = std::stoull(name.substr(negative ? 1 : 0), nullptr, 0);
      return constant(negative ? std::uint64_t{0} - value : value);
    }
    if (const auto found = registers_.find(name); found != registers_.end()) return found->second;
    if (const auto found = symbols_.find(name); found != symbols_.end()) return constant(found->second);
    if (std::find(outside_.begin(), outside_.end(), name) != outside_.end()) {
      registers_[name] = kernel_->registers++;
      late_.push_back(registers_[name]);
      return registers_[name];
    }
    if (!name.starts_with("%") && name != "_") throw Fault("unknown name " + name + " in " + kernel_->name);
    registers_[name] = kernel_->registers++;
    if (const auto value = special(name)) kernel_->specials.push_back({registers_[name], *value});
    return registers_[name];
  }

  std::map<int, std::string> files_;
  std::string text_;
  Words words_;
  std::vector<std::string> outside_;  // shared memory of the launch
  Kernel* kernel_ = nullptr;
  std::string line_;
  std::uint32_t used_bytes_ = ~0u;
  std::unordered_map<std::string, int> registers_;
  std::unordered_map<std::uint64_t, int> constants_;
  std::unordered_map<std::string, std::size_t> symbols_;
  std::vector<Scope> scopes_;  // what braces hold, outer ones first
  std::vector<int> late_;      // registers that hold where the launch's memory begins
};

}  // namespace

std::vector<Kernel> parse(std::string_view text) {
  return Parser(text).parse();
}

}  // namespace backdrop::ptx
