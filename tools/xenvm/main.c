// SPDX-License-Identifier: GPL-2.0-only
/* xenvm: boots unmodified Xen guests on KVM, with xenemu as their Xen. */
#include <signal.h>

#include "endpoint.h"
#include "options.h"
#include "vm.h"

/* Too large for a stack. */
static struct endpoint endpoint;
static struct options options;

int main(int argc, char **argv)
{
	enum status status;
	int ret;

	ret = options_parse(&options, argc, argv);
	if (ret >= 0) {
		options_free(&options);
		return ret;
	}

	signal(SIGPIPE, SIG_IGN);
	vm_block_signals();

	if (endpoint_open(&endpoint, &options)) {
		options_free(&options);
		return STATUS_FAILURE;
	}
	do {
		status = vm_run(&options, &endpoint);
	} while (status == STATUS_REBOOT && options.restart);
	endpoint_close(&endpoint);

	options_free(&options);
	return status;
}
