.PHONY: demo

demo: ## real orders end to end, with faults and one SIGKILL; ORDERS=<csv or folder> for your own
	uv run --quiet python -m demo.run $(if $(ORDERS),--orders "$(ORDERS)") $(DEMO)
