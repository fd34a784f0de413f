# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Print KTAP from a script. Sourced after lab/lib.sh, which stops a script at the
# first error: a step that does not come to its end breaks its plan.

TEST_NUMBER=0

plan()
{
	echo "KTAP version 1"
	echo "1..$1"
}

# try NAME COMMAND... - a test that passes if the command does; what it prints is
# shown if it does not.
try()
{
	local name=$1 output

	shift
	TEST_NUMBER=$((TEST_NUMBER + 1))
	if output=$("$@" 2>&1 </dev/null); then
		echo "ok $TEST_NUMBER $name"
	else
		echo "# ${output//$'\n'/$'\n'# }"
		echo "not ok $TEST_NUMBER $name"
	fi
}

# nest NAME COMMAND... - a command that prints KTAP itself, and for long.
nest()
{
	local name=$1 status=ok

	shift
	TEST_NUMBER=$((TEST_NUMBER + 1))
	"$@" </dev/null | sed -u 's/^/    /' || status="not ok"
	echo "$status $TEST_NUMBER $name"
}
