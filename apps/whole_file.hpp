#pragma once

#include <string>
#include <string_view>

#include <graphbit/runtime/error.hpp>

namespace graphbit::app {

/// The bytes of a file of at most 64 MiB. Error: Runtime{read}, "PATH: what is wrong".
[[nodiscard]] expected<std::string> read_whole_file(const std::string& path);

/// All of it or nothing: written beside, then renamed. Error: Runtime{write}.
[[nodiscard]] expected<void> write_whole_file(const std::string& path, std::string_view bytes);

/// The folder is there and can be written to; made when missing. Error: Runtime{write}.
[[nodiscard]] expected<void> make_writable_folder(const std::string& path);

}  // namespace graphbit::app
