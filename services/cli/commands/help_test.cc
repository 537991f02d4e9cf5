// SPDX-License-Identifier: Apache-2.0
//
// What people are shown with --help: every example is a command line that is understood, and the
// examples of the whole program are shown by the program alone.
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "libs/testing/temporary_directory.h"
#include "services/cli/commands/program.h"

namespace genofed::cli {
namespace {

struct Program {
  Program() { AddEverything({app, target, action}); }
  CLI::App app;
  Target target;
  Action action;
};

// All commands, by their words.
void Collect(CLI::App& app, const std::string& words, std::map<std::string, CLI::App*>& found) {
  for (CLI::App* command : app.get_subcommands({})) {
    const std::string name = words + (words.empty() ? "" : " ") + command->get_name();
    found[name] = command;
    Collect(*command, name, found);
  }
}

// A command that goes on in the next line is one.
std::vector<std::string> LinesOf(std::string text) {
  for (std::size_t at; (at = text.find("\\\n")) != std::string::npos;)
    text.erase(at, text.find_first_not_of(" \n", at + 1) - at);
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// The words of the commands of a line as a shell has them, without redirections, and without what
// is said behind two spaces.
std::vector<std::vector<std::string>> CommandsOf(std::string line) {
  line.erase(0, line.find_first_not_of(' '));
  if (line.starts_with("Example: ")) line.erase(0, 9);
  line.erase(std::min(line.find("  "), line.size()));
  std::vector<std::vector<std::string>> commands(1);
  std::string word;
  bool redirected = false;
  char quote = 0;
  const auto end_word = [&] {
    if (word.empty()) return;
    if (!redirected) commands.back().push_back(word);
    redirected = false;
    word.clear();
  };
  for (const char c : line + " ") {
    if (quote != 0) {
      if (c == quote)
        quote = 0;
      else
        word += c;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == ' ' || c == '|' || c == ';' || c == '<' || c == '>') {
      end_word();
      if (c == '|' || c == ';') commands.emplace_back();
      if (c == '<' || c == '>') redirected = true;
    } else {
      word += c;
    }
  }
  std::erase_if(commands, [](const auto& words) { return words.empty() || words[0] != "genofed"; });
  return commands;
}

// Why the words are not understood, or "". Files that they name need not be there.
std::string Parse(std::vector<std::string> words) {
  std::reverse(words.begin(), words.end());
  for (;;) {
    Program program;
    try {
      auto once = words;
      program.app.parse(once);
      return program.action ? "" : "nothing would be done";
    } catch (const CLI::ParseError& error) {
      const std::string what = error.what(), lacks = " does not exist: ";
      const std::size_t at = what.find(lacks);
      if (at == std::string::npos) return what;
      const std::filesystem::path path = what.substr(at + lacks.size());
      if (path.is_absolute() || std::filesystem::exists(path)) return what;
      if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
      if (path.has_filename()) std::ofstream(path) << "a file";
    }
  }
}

TEST(Help, ExamplesAreUnderstood) {
  const testing::TemporaryDirectory directory;
  std::filesystem::current_path(directory.path());
  Program program;
  std::map<std::string, CLI::App*> all = {{"", &program.app}};
  Collect(program.app, "", all);
  std::set<std::string> seen;
  for (const auto& [name, command] : all) {
    for (const std::string& line : LinesOf(command->get_footer())) {
      if (!seen.insert(line).second) continue;
      for (std::vector<std::string> words : CommandsOf(line)) {
        SCOPED_TRACE(name + ": " + line);
        words.erase(words.begin());
        EXPECT_EQ(Parse(words), "");
      }
    }
  }
  EXPECT_GT(seen.size(), 100U);
}

TEST(Help, TheProgramsExamplesAreOfNoCommand) {
  Program program;
  std::map<std::string, CLI::App*> all;
  Collect(program.app, "", all);
  EXPECT_NE(program.app.get_footer().find("genofed up"), std::string::npos);
  for (const auto& [name, command] : all)
    EXPECT_NE(command->get_footer(), program.app.get_footer()) << name;
}

TEST(Help, GroupsHaveExamples) {
  Program program;
  for (const CLI::App* command : program.app.get_subcommands({})) {
    if (command->get_subcommands([](const CLI::App*) { return true; }).empty()) continue;
    EXPECT_NE(command->get_footer().find("Example"), std::string::npos) << command->get_name();
  }
}

}  // namespace
}  // namespace genofed::cli
