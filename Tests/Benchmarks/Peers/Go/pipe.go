package main

// Fair: as the rendezvous, with a buffer of 128 elements.
func init() {
	registerBoth("pipe", func(name string) {
		messages := size(10_000_000)
		transport(128, messages/10)
		report(name, perItem(messages, func() { transport(128, messages) }), "ns")
	})
}
