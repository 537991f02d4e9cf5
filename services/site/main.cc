// SPDX-License-Identifier: Apache-2.0
//
// All services of a site in one process, for small sites and trials. Same libraries, same
// contracts, same configuration as the separate executables.
#include "libs/platform/main.h"

#include "services/access/module.h"
#include "services/catalogue/module.h"
#include "services/consent/module.h"
#include "services/discovery/module.h"
#include "services/dispatcher/module.h"
#include "services/gateway/module.h"
#include "services/onboarding/module.h"
#include "services/spe/module.h"

int main(int argc, char** argv) {
  return genofed::ServiceMain(
      argc, argv, "site",
      {genofed::consent::Entry(), genofed::catalogue::Entry(), genofed::discovery::Entry(),
       genofed::access::Entry(), genofed::onboarding::Entry(), genofed::spe::Entry(),
       genofed::dispatcher::Entry(), genofed::gateway::Entry()});
}
